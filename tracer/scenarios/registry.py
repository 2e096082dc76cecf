"""Finds the scenarios by folder: a scenario is a file here that says what verdicts it EXPECTED.

Listing reads the files without running them, so that it stays quick and loads no PyTorch.
"""

from __future__ import annotations

import ast
import importlib
from functools import cache
from pathlib import Path
from types import ModuleType

from tracer.errors import UsageError

#: The chapters in the order in which to read them.
CHAPTERS = (
    "What makes a parameter train",
    "How gradients add up",
    "Can the gradient reach it?",
    "What is the gradient worth?",
    "Does a step use it?",
    "Patterns that are meant to be so",
    "Other ways to run autograd",
)

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the names of all scenarios, chapter by chapter."""
    return [name for chapter_ in CHAPTERS for name in sorted(_table()) if chapter(name) == chapter_]


def title(name: str) -> str:
    """Return the first line of a scenario's docstring: what it shows."""
    return text(name).partition("\n")[0]


def text(name: str) -> str:
    """Return a scenario's docstring."""
    return _row(name)[0]


def chapter(name: str) -> str:
    """Return the chapter that a scenario belongs to."""
    return _row(name)[1]


def source(name: str) -> Path:
    """Return the file of a scenario."""
    _row(name)
    return _FOLDER / f"{name}.py"


def load(name: str) -> ModuleType:
    """Return the module of a scenario, with ``run``, ``STEPS``, ``EXPECTED`` and ``FINDINGS``."""
    _row(name)
    return importlib.import_module(f"tracer.scenarios.{name}")


def _row(name: str) -> tuple[str, str]:
    row = _table().get(name)
    if row is None:
        raise UsageError(f"there is no scenario {name!r}.", "'tracer list' shows all.", slug="unknown-scenario")
    return row


@cache
def _table() -> dict[str, tuple[str, str]]:
    """Return name -> (docstring, chapter) of every scenario."""
    rows: dict[str, tuple[str, str]] = {}
    for path in sorted(_FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assigned = _constants(tree)
        if "EXPECTED" in assigned:
            rows[path.stem] = (ast.get_docstring(tree) or "", str(assigned["CHAPTER"]))
    return rows


def _constants(tree: ast.Module) -> dict[str, object]:
    """Return the module's plain assignments; None for a value that is no literal."""
    found: dict[str, object] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            if isinstance(target, ast.Name):
                value = statement.value
                found[target.id] = value.value if isinstance(value, ast.Constant) else None
    return found
