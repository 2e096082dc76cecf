"""Writes a report in several formats: each file whole or not at all, and one failure never costs the others."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tracer.diagnosis.findings import Report
from tracer.errors import EngineError, TracerError, UsageError
from tracer.reports.registry import FORMATS
from tracer.traces import Trace

#: Options that only pictures take.
_PICTURE = ("engine", "depth", "focus", "expand", "only_problems")
_DRAWN = ("svg", "png", "dot", "html")


def write(trace: Trace, report: Report, out: Path, formats: Sequence[str], **options: Any) -> list[Path]:
    """Write each format to its file in ``out``; return the files written.

    A format that fails is told on stderr and left out. Two of them may say the same of a missing layout
    engine: it is told once.

    Raises:
        UsageError: when a file cannot be written.
    """
    written: list[Path] = []
    told: set[str] = set()
    for name in formats:
        given = {key: value for key, value in options.items() if name in _DRAWN or key not in _PICTURE}
        try:
            content = FORMATS[name].render(trace, report, **given)
        except Exception as problem:  # whatever one renderer meets, the other files must still come
            _tell(name, problem, told)
            continue
        written.append(write_file(out / FORMATS[name].file, content))
    return written


def _tell(name: str, problem: Exception, told: set[str]) -> None:
    text = f"{problem}" if isinstance(problem, TracerError) else f"{type(problem).__name__}: {problem}"
    key = text if isinstance(problem, EngineError) else f"{name}: {text}"
    if key not in told:
        told.add(key)
        print(f"tracer: no {FORMATS[name].file}: {text}", file=sys.stderr)
    if os.environ.get("TRACER_DEBUG"):
        raise problem


def write_file(path: Path, content: str | bytes) -> Path:
    """Write a file by renaming a finished one into place.

    Raises:
        UsageError: when the folder or disk does not take it.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror or error}.",
            "Give --out a folder with space to write.",
            "unwritable",
        ) from error
    return path
