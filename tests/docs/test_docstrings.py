"""Public docstrings are complete, and their examples run."""

from __future__ import annotations

import inspect
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

import tracer
from tests.docs.shown import blocks

#: what the page python.md or watching.md shows as a function, with its arguments
FUNCTIONS = {
    name: getattr(tracer, name)
    for name in tracer.__all__
    if inspect.isfunction(getattr(tracer, name)) and name != "load_ipython_extension"
}
METHODS = {f"Recording.{name}": getattr(tracer.Recording, name) for name in ("report", "graph", "draw", "save")}
DOCUMENTED = {**FUNCTIONS, **METHODS}


def docstring(thing: Any) -> str:
    return inspect.getdoc(thing) or ""


def section(text: str, title: str) -> str:
    found = re.search(rf"^{title}:\n((?:    .*\n?|\n)+)", text, re.MULTILINE)
    return found[1] if found else ""


def test_the_public_functions_are_all_looked_at() -> None:
    assert {"record", "make_dot", "watch", "assert_learns", "load"} <= FUNCTIONS.keys()


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_argument_is_explained(name: str) -> None:
    text = section(docstring(DOCUMENTED[name]), "Args")
    explained = {
        word for line in re.findall(r"^    ([\w, *]+):", text, re.MULTILINE) for word in re.findall(r"\w+", line)
    }
    assert explained >= set(inspect.signature(DOCUMENTED[name]).parameters) - {"self"}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_what_is_returned_is_told_and_an_example_given(name: str) -> None:
    text = docstring(DOCUMENTED[name])
    returns = inspect.signature(DOCUMENTED[name]).return_annotation
    assert returns in (None, "None") or section(text, "Returns")
    assert section(text, "Example")


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examples = blocks("python", inspect.cleandoc(f"\n{section(docstring(DOCUMENTED[name]), 'Example')}") + "\n")
    assert examples
    program = tmp_path / "example.py"
    program.write_text("\n".join(examples))
    runpy.run_path(str(program))
