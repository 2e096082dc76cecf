"""Finds the scenarios by folder: a scenario is a file here that says what verdicts it EXPECTED.

Listing reads the files without running them, so that it stays quick and loads no PyTorch.
"""

from __future__ import annotations

import ast
import importlib
import textwrap
from functools import cache
from pathlib import Path
from types import ModuleType

from tracer.errors import UsageError

#: The chapters in the order in which to read them, each with its introduction.
INTRODUCTIONS = {
    "What makes a parameter train": """
Training a parameter takes two registrations. ``requires_grad`` tells *autograd* to compute a gradient for it; a place
in a param group tells an *optimizer* to use it. Neither knows of the other, and neither complains when the other is
missing. Both are tied to one tensor *object*: replace or copy the tensor, and the registration stays with the old one.
""",
    "How gradients add up": """
``backward`` never writes ``.grad``, it *adds* to it. Within one backward a parameter's gradient is the sum over all
paths from the loss to it: over calls, over time steps, over terms of the loss. From one backward to the next the sum
goes on until someone clears it. Shared layers, recurrent networks and large batches on small devices all rest on this
one rule, and so does the most common bug of all.
""",
    "Can the gradient reach it?": """
While forward runs, every operation on a tensor that requires grad leaves a node behind that knows its inputs; the loss
is the root of this graph. ``backward`` walks it and reaches what the graph reaches, nothing else. Values can flow on
where history does not: through ``detach``, ``no_grad``, Python numbers, NumPy, or an operation without a derivative.
The loss looks the same; the parameter behind it gets no gradient, and its ``.grad`` stays None.
""",
    "What is the gradient worth?": """
A gradient that arrives need not be of use. It may be exactly zero, because something on the way multiplies by zero; too
small or too large, because many layers multiply by the same factor; or NaN, because a derivative is infinite where the
function is not. All of these begin at one operation, and backward carries them to everything below it.
""",
    "Does a step use it?": """
Between ``backward`` and the changed value lies a step, and it can come to nothing: it is not called, is skipped, finds
the gradient cleared or masked, multiplies it by a rate of zero, rounds the update away, or is undone by the next line.
The value can also move *without* a gradient, and look as if it learned.
""",
    "Patterns that are meant to be so": """
Freezing, cutting, throwing gradients away and moving values by hand are mistakes in one program and the method in
another. A tool that cries at each of them is switched off within a day. In these runs nothing is wrong, and the
report has to see that.
""",
    "Other ways to run autograd": """
``loss.backward()`` is one way to use autograd. Gradients can be returned instead of accumulated, differentiated again,
sent to chosen parameters only, turned round by a hook, or passed through operations that have none. What is recorded in
each case, and what ends up in ``.grad``?
""",
}
CHAPTERS = tuple(INTRODUCTIONS)

#: Where a scenario without a ``PLACE`` stands in its chapter.
_LAST = 1_000
_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the names of all scenarios in reading order: by chapter, then by ``PLACE`` in it."""
    return sorted(_table(), key=lambda name: (CHAPTERS.index(chapter(name)), _row(name)[2], name))


def title(name: str) -> str:
    """Return the first line of a scenario's docstring: what it shows."""
    return text(name).partition("\n")[0]


def text(name: str) -> str:
    """Return a scenario's docstring."""
    return _row(name)[0]


def chapter(name: str) -> str:
    """Return the chapter that a scenario belongs to."""
    return _row(name)[1]


def program(name: str) -> tuple[int, tuple[str, ...]]:
    """Return (line number, lines) of a scenario's training program: the body of its ``run``, not indented.

    Remarks to the type checker are left out.
    """
    code = source(name).read_text(encoding="utf-8")
    run = next(node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef) and node.name == "run")
    lines = code.splitlines()[run.body[0].lineno - 1 : run.end_lineno]
    shown = [line.partition("  # type: ")[0] for line in lines]
    return run.body[0].lineno, tuple(textwrap.dedent("\n".join(shown)).splitlines())


def source(name: str) -> Path:
    """Return the file of a scenario."""
    _row(name)
    return _FOLDER / f"{name}.py"


def load(name: str) -> ModuleType:
    """Return the module of a scenario, with ``run``, ``STEPS``, ``EXPECTED`` and ``FINDINGS``."""
    _row(name)
    return importlib.import_module(f"tracer.scenarios.{name}")


def _row(name: str) -> tuple[str, str, int]:
    row = _table().get(name)
    if row is None:
        raise UsageError(f"there is no scenario {name!r}.", "'tracer list' shows all.", slug="unknown-scenario")
    return row


@cache
def _table() -> dict[str, tuple[str, str, int]]:
    """Return name -> (docstring, chapter, place in it) of every scenario."""
    rows: dict[str, tuple[str, str, int]] = {}
    for path in sorted(_FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assigned = _constants(tree)
        if "EXPECTED" in assigned:
            place = assigned.get("PLACE")
            place = place if isinstance(place, int) else _LAST
            rows[path.stem] = (ast.get_docstring(tree) or "", str(assigned["CHAPTER"]), place)
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
