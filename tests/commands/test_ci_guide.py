"""The workflow in ``docs/ci.md`` is one that works: valid YAML, with a command that tracer accepts."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "ci.md"
Shell = Callable[..., "subprocess.CompletedProcess[str]"]
SCRIPT = """
import torch
net = torch.nn.Linear(2, 1)
torch.optim.SGD(net.parameters(), lr=0.1)
net(torch.ones(1, 2)).sum().backward()
"""


def workflow() -> dict[str, Any]:
    found = re.search(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    read: dict[str, Any] = yaml.safe_load(found[1])
    return read


def test_the_workflow_traces_a_script_and_fails_on_its_errors(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    steps = workflow()["jobs"]["gradients"]["steps"]
    (command,) = [step["run"] for step in steps if "tracer run" in step.get("run", "")]
    words = shlex.split(command, comments=True)
    result = tracer(*words[1:], GITHUB_STEP_SUMMARY="")
    assert result.returncode == 0, result.stderr
    assert "::warning file=train.py,line=5,title=TR401 no_step::" in result.stdout
    uploads = [step["with"] for step in steps if "upload" in step.get("uses", "")]
    assert (tmp_path / uploads[0]["sarif_file"]).is_file()
    assert (tmp_path / uploads[1]["path"] / "report.html").is_file()
