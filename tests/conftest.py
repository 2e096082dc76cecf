"""What tests share: a shell that runs commands in fresh interpreters, and marks for what is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked ``cuda`` on a machine without CUDA, with the reason."""
    marked = [item for item in items if item.get_closest_marker("cuda")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture
def python(tmp_path: Path) -> Shell:
    """Run ``python ARGS`` in ``tmp_path``, as a user would, with this checkout importable."""

    def run(*args: object, stdin: str = "", timeout: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])]
        return subprocess.run(
            [sys.executable, *map(str, args)],
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths), **env},
        )

    return run


@pytest.fixture
def tracer(python: Shell) -> Shell:
    """Run ``python -m tracer.trace ARGS`` in ``tmp_path``."""
    return lambda *args, **more: python("-m", "tracer.trace", *args, **more)
