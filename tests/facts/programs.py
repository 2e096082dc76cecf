"""Runs a scenario or a script twice: under the observer alone, and under the tracer alone."""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from tests.facts.observer import Observer
from tests.facts.parameters import Fact

#: Either comes with how the program ended: "" = normally.
Facts = tuple[list[Fact], str]
Rows = tuple[list[dict[str, Any]], str]


def facts_of_scenario(name: str) -> Facts:
    """Run a scenario under the observer."""
    from tracer.scenarios import registry

    torch.manual_seed(0)
    with Observer() as observer:
        registry.load(name).run(torch, torch.device("cpu"), seed=0)
    return observer.facts(), ""


def rows_of_scenario(name: str) -> Rows:
    """Run a scenario under the tracer and return the rows of its report."""
    from tracer.api import diagnose
    from tracer.commands.scenario import record_scenario
    from tracer.reports.json import document

    return document(diagnose(record_scenario(name, "cpu", None, 0)))["parameters"], ""


def facts_of_script(script: str) -> Facts:
    """Run a script under the observer, in a process of its own; return the facts and how it ended."""
    ended, kept = "", {}
    sys.argv = [script]
    with _aside(), Observer() as observer:
        try:
            kept = runpy.run_path(script, run_name="__main__")
        except SystemExit as error:
            ended = f"exit {error.code}" if error.code else ""
        except BaseException as error:
            ended = type(error).__name__
    del kept  # its globals had to live until the observer's last look
    return observer.facts(), ended


def rows_of_script(script: str) -> Rows:
    """Run a script by ``tracer run``, in a process of its own; return the report's rows and how it ended."""
    import json

    from tracer.trace import main

    with _aside() as folder:
        out = Path(folder, "out")
        try:
            status = main(["run", "--quiet", "--format", "json", "--out", str(out), script])
        except SystemExit as error:
            status = error.code
        rows = json.loads((out / "report.json").read_text())["parameters"]
    return rows, f"exit {status}" if status else ""


@contextlib.contextmanager
def _aside() -> Iterator[str]:
    """Work in a new folder, with what is printed thrown away. Meant for a process that ends soon."""
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
        os.chdir(folder)
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        yield folder
        os.chdir("/")
