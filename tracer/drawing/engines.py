"""Layout engines: the system's ``dot`` where there is one, else ``graphviz-pure`` from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tracer.errors import EngineError

#: Names that ``--engine`` takes, in the order in which they are tried.
ENGINES = ("dot", "graphviz-pure")


class LayoutTimeoutError(EngineError):
    """The engine did not finish in time."""


def find_engine(name: str | None = None) -> str:
    """Return the command of a layout engine.

    Raises:
        EngineError: when the one asked for, or any, is not there.
    """
    if name is not None and name not in ENGINES:
        raise EngineError(f"there is no layout engine {name!r}.", f"Choose one of {', '.join(ENGINES)}.", "engine")
    for candidate in ENGINES if name is None else (name,):
        found = _command(candidate)
        if found is not None:
            return found
    missing = "no layout engine is installed." if name is None else f"the layout engine {name} is not installed."
    raise EngineError(missing, "Install one: pip install graphviz-pure, or the system's graphviz package.", "engine")


def _command(name: str) -> str | None:
    beside = Path(sys.executable).parent / name
    if name != "dot" and beside.is_file() and os.access(beside, os.X_OK):
        return str(beside)
    return shutil.which(name)


def lay_out(dot: str, kind: str, *, engine: str | None = None, timeout: float = 20.0) -> bytes:
    """Return the picture of a DOT text as ``kind`` ("svg" or "png").

    Raises:
        LayoutTimeoutError: after ``timeout`` seconds.
        EngineError: when no engine is there, or it fails.
    """
    command = find_engine(engine)
    try:
        done = subprocess.run(
            [command, f"-T{kind}"],
            input=dot.encode("utf-8", "replace"),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LayoutTimeoutError(
            f"the layout took more than {timeout:g} s.", "Fold the picture further: --depth."
        ) from error
    except OSError as error:
        raise EngineError(
            f"the layout engine {command} cannot be run: {error.strerror}.", "Choose another: --engine."
        ) from error
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1][:200] if said else f"exit status {done.returncode}"
        raise EngineError(f"the layout engine {Path(command).name} failed: {why}.", "Choose another: --engine.")
    if not _is_picture(done.stdout, kind):
        raise EngineError(f"the layout engine {Path(command).name} wrote no {kind}.", "Choose another: --engine.")
    return done.stdout


def _is_picture(content: bytes, kind: str) -> bool:
    if kind == "png":
        return content.startswith(b"\x89PNG")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return "<svg" in text and "</svg>" in text
