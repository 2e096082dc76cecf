"""What the READMEs show is true: commands and Python blocks run, and both languages have the same of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.shown import FENCE, blocks, commands, matches
from tracer.commands import COMMANDS
from tracer.scenarios import registry

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")


def prose(text: str) -> str:
    return FENCE.sub("", text)


def test_commands_print_what_the_readme_shows(tmp_path: Path, tracer: Shell) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for arguments, lines in commands(TEXT):
        result = tracer(*arguments)
        assert result.returncode == 0, result.stderr
        printed = [*result.stdout.splitlines(), *result.stderr.splitlines()]
        if sys.version_info < (3, 11):  # code knows no class there
            lines = [line.replace("Classifier.forward", "forward") for line in lines]
        assert matches(lines, printed), "\n".join([" ".join(arguments), *printed])
    assert {"report.md", "report.sarif"} <= {path.name for path in (tmp_path / "tracer-out").iterdir()}


def test_a_run_in_ci_fails_as_the_readme_says(tmp_path: Path, tracer: Shell) -> None:
    assert "`tracer run --fail-on error train.py`" in TEXT
    shutil.copy(ROOT / "examples" / "spirals.py", tmp_path / "train.py")
    assert tracer("run", "--fail-on", "error", "--format", "json", "train.py").returncode == 1


@pytest.mark.parametrize("arguments", [["list"], ["rules", "cut"], ["rules", "TR302"]])
def test_commands_named_in_the_text_work(tracer: Shell, arguments: list[str]) -> None:
    assert f"`tracer {' '.join(arguments)}`" in TEXT
    result = tracer(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout


def test_every_command_named_in_the_text_exists() -> None:
    named = {words[0] for words in (code.split() for code in re.findall(r"`tracer ([a-z_][^`]*)`", TEXT))}
    assert len(named) >= 4
    assert named <= {*COMMANDS, *registry.names()}
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z]+)", TEXT, re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_python_blocks_run(tmp_path: Path, python: Shell) -> None:
    assert len(blocks("python", TEXT)) == 3
    result = python("-c", "\n".join(blocks("python", TEXT)))
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.svg", "loss", "loss.svg", "run.jsonl.gz"]


def test_pictures_are_those_of_scenarios_and_links_lead_somewhere() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(outputs/(\w+)/graph\.svg\)", TEXT)
    assert len(pictures) == 3
    assert set(pictures) <= set(registry.names())
    for target in re.findall(r"(?<!!)\[[^]]+\]\(([^)#]+)\)", TEXT + CHINESE):
        assert target.startswith("outputs/") or (ROOT / target).exists(), target


def test_numbers_in_the_text_are_those_of_the_code() -> None:
    lines = registry.source("detach").read_text().splitlines()
    line = next(number for number, code in enumerate(lines, 1) if ".detach()" in code and "=" in code)
    assert f"`detach` at line {line} " in TEXT
    assert f"{len(registry.names())} small training runs" in TEXT
    assert f"a tutorial of {len(registry.CHAPTERS)} chapters" in TEXT
    project = (ROOT / "pyproject.toml").read_text()
    assert 'requires-python = ">=3.10"' in project and "Python 3.10 or newer" in TEXT
    assert '"torch>=2.6"' in project and "PyTorch 2.6 or newer" in TEXT


def test_both_languages_have_the_same_blocks_commands_numbers_and_tables() -> None:
    assert FENCE.findall(TEXT) == FENCE.findall(CHINESE)
    code = re.compile(r"`[^`]+`")
    assert set(code.findall(prose(TEXT))) <= {*code.findall(prose(CHINESE))}
    number = re.compile(r"(?<![\w.])\d+(?:[.-]\d+)*")
    assert Counter(number.findall(prose(TEXT))) == Counter(number.findall(prose(CHINESE)))
    assert TEXT.count("\n## ") == CHINESE.count("\n## ")
    assert [line.count("|") for line in TEXT.splitlines() if line.startswith("|")] == [
        line.count("|") for line in CHINESE.splitlines() if line.startswith("|")
    ]
    words = {"yes": "是", "no": "否", "partly": "部分", "–": "–", "?": "?"}
    english = [[c.strip() for c in row.split("|")[2:-1]] for row in TEXT.splitlines() if row.startswith("| ")]
    chinese = [[c.strip() for c in row.split("|")[2:-1]] for row in CHINESE.splitlines() if row.startswith("| ")]
    assert [[words.get(cell, cell) for cell in row] for row in english] == chinese
