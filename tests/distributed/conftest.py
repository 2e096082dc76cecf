"""Runs programs under torchrun on two processes of this machine, traced."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "programs"


class Job:
    """A traced job that has ended."""

    def __init__(self, out: Path, done: subprocess.CompletedProcess[str]) -> None:
        self.out, self.status, self.stderr, self.stdout = out, done.returncode, done.stderr, done.stdout

    def report(self, folder: str = "") -> dict[str, Any]:
        path = self.out / folder / "report.json"
        assert path.exists(), self.stderr[-3000:]
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def verdicts(self, folder: str = "") -> dict[str, str]:
        return {row["name"]: row["verdict"] for row in self.report(folder)["parameters"]}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def torchrun(tmp_path: Path) -> Callable[..., Job]:
    """Run ``torchrun --nproc-per-node 2 -m tracer.trace run PROGRAM ARGS`` and return the job."""

    def run(program: str, *args: str, options: tuple[str, ...] = (), processes: int = 2) -> Job:
        out = tmp_path / "out"
        command = [
            sys.executable, "-m", "torch.distributed.run",
            f"--nproc-per-node={processes}", f"--master-port={free_port()}",
            "-m", "tracer.trace", "run", "--out", str(out), "--format", "json", *options,
            str(PROGRAMS / program), *args,
        ]  # fmt: skip
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)},
        )
        return Job(out, done)

    return run
