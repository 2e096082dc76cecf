"""Defaults, thresholds and ignores from pyproject.toml and the environment."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.commands.configuration import read_configuration
from tracer.errors import UsageError

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

PROGRAM = """
import torch
net = torch.nn.ModuleDict({"body": torch.nn.Linear(2, 1), "spare": torch.nn.Linear(2, 1)})
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(2):
    optimizer.zero_grad()
    net["body"](torch.ones(1, 2)).sum().backward()
    optimizer.step()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(PROGRAM)
    return tmp_path


def configure(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.tracer]\n{text}")


def test_without_a_table_nothing_changes(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    found = read_configuration(project, {})
    assert (dict(found.defaults), dict(found.settings), found.ignores) == ({}, {}, ())


def test_the_nearest_table_counts_and_the_environment_counts_more(project: Path) -> None:
    configure(project, 'fail-on = "error"\nformat = ["json", "md"]\n')
    inner = project / "a" / "b"
    inner.mkdir(parents=True)
    (project / "a" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    found = read_configuration(inner, {"TRACER_FAIL_ON": "warning", "TRACER_DEPTH": "2"})
    assert dict(found.defaults) == {"fail_on": "warning", "formats": "json,md", "depth": "2"}
    assert found.file == project / "pyproject.toml"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour = 1\n", r"has 'colour' in \[tool\.tracer\], which means nothing\. There are: format,"),
        ("depth = 1.5\n", r"sets depth to 1\.5\. Give a text, a number, true or false\."),
        ("set = 3\n", "set is no table"),
        ("ignore = 3\n", "ignore is no list of tables"),
        ("fail-on = \n", "cannot be read"),
    ],
)
def test_what_means_nothing_is_one_sentence(project: Path, text: str, sentence: str) -> None:
    configure(project, text)
    with pytest.raises(UsageError, match=sentence):
        read_configuration(project, {})


def test_the_file_gives_formats_and_status_and_the_command_line_wins(project: Path, tracer: Shell) -> None:
    configure(project, 'fail-on = "warning"\nformat = "json"\nout = "reports"\n')
    assert tracer("run", "train.py").returncode == 1
    assert {path.name for path in (project / "reports").iterdir()} == {"report.json", "trace.jsonl.gz"}
    assert tracer("run", "--fail-on", "error", "train.py").returncode == 0
    assert tracer("run", "train.py", TRACER_FAIL_ON="never").returncode == 0


def test_an_ignored_finding_is_mentioned_with_its_reason_and_fails_nothing(project: Path, tracer: Shell) -> None:
    configure(
        project,
        'fail-on = "warning"\nformat = "json"\n'
        '[[tool.tracer.ignore]]\nrule = "unused"\nparameter = "spare.*"\nreason = "for later"\n'
        '[[tool.tracer.ignore]]\nrule = "TR202"\nreason = "long gone"\n',
    )
    assert tracer("run", "train.py").returncode == 0
    report = json.loads((project / "tracer-out" / "report.json").read_text())
    rows = {row["name"]: row for row in report["parameters"]}
    assert (rows["spare.weight"]["verdict"], rows["spare.weight"]["severity"]) == ("unused", "info")
    assert rows["spare.weight"]["message"].endswith("(ignored: for later)")
    assert [(f["code"], f["severity"]) for f in report["findings"]] == [("TR201", "info")]
    assert report["notes"] == [
        "ignored unused for spare.*, 2 findings: for later",
        "the ignore of TR202 for * matched nothing in this run: remove it if it is no longer needed",
    ]


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ('rule = "unused"\n', "an entry of [[tool.tracer.ignore]] has no reason."),
        ('rule = "nothing"\nreason = "x"\n', "an ignore names the rule 'nothing'."),
        ('reason = " "\n', "the ignore of * for * has no reason."),
        ('module = "x"\nreason = "x"\n', "an entry of [[tool.tracer.ignore]] has 'module'."),
    ],
)
def test_a_wrong_ignore_is_told_before_the_program_runs(
    project: Path, tracer: Shell, entry: str, sentence: str
) -> None:
    configure(project, f"[[tool.tracer.ignore]]\n{entry}")
    result = tracer("run", "train.py")
    assert result.returncode == 2
    assert sentence in result.stderr


def test_thresholds_come_from_the_file_and_from_the_command_line(project: Path, tracer: Shell) -> None:
    configure(project, '[tool.tracer.set]\n"TR302.nothing" = 1\n')
    assert "no rule has the setting 'TR302.nothing'." in tracer("run", "train.py").stderr
    configure(project, "")
    assert tracer("run", "--set", "TR302.ratio", "train.py").returncode == 2
    assert "must be a number" in tracer("run", "--set", "TR302.ratio=many", "train.py").stderr
    assert tracer("run", "--set", "TR302.ratio=1e-9", "--format", "json", "train.py").returncode == 0
