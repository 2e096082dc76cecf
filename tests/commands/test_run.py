"""``tracer run``: the program's own output and status, and a report in any case."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

TRAIN = """
import sys
import torch
net = torch.nn.Linear(3, 1)
unused = torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD([*net.parameters(), *unused.parameters()], lr=0.1)
net(torch.ones(2, 3)).sum().backward()
optimizer.step()
print("trained", sys.argv[1:])
print("warned", file=sys.stderr)
"""


def read(folder: Path) -> dict[str, dict[str, object]]:
    report = json.loads((folder / "report.json").read_text())
    return {f"{row['model']}.{row['name']}": row for row in report["parameters"]}


def test_a_script_runs_as_it_would_and_leaves_a_report(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    result = tracer("run", "train.py", "--out", "mine", "-m")
    assert result.returncode == 0
    assert result.stdout == "trained ['--out', 'mine', '-m']\n"
    assert result.stderr.splitlines()[0] == "warned"
    summary = result.stderr.splitlines()[1:]
    assert all(line.startswith("tracer: ") for line in summary)
    assert summary[0] == "tracer: 2 of 4 parameters do not train as they should: 2 unused."
    assert summary[1].startswith("tracer: warning TR201 unused ")
    assert summary[-1] == "tracer: wrote tracer-out/report.html"
    files = sorted(path.name for path in (tmp_path / "tracer-out").iterdir())
    assert {"graph.svg", "report.html", "report.json", "trace.jsonl.gz"} <= set(files)
    rows = read(tmp_path / "tracer-out")
    assert rows["net.weight"]["verdict"] == "updated"
    assert rows["unused.bias"]["verdict"] == "unused"


def test_every_nth_step_of_a_script_is_recorded(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "train.py").write_text(
        TRAIN.replace("optimizer.step()\n", "optimizer.step()\nfor _ in range(20):\n    net(torch.ones(2, 3)).sum()"
                      ".backward()\n    optimizer.step()\n    optimizer.zero_grad()\n")
    )  # fmt: skip
    result = tracer("run", "--every", "5", "--format", "json", "train.py", TRACER_FIRST="2")
    assert result.returncode == 0
    report = json.loads((tmp_path / "tracer-out" / "report.json").read_text())
    assert report["steps"] == 21
    assert report["notes"][-1] == (
        "sampled (--first 2 --every 5): of the steps, 6 were looked at (1-2, 5, 10, 15, 20); "
        "the others were only counted"
    )
    rows = read(tmp_path / "tracer-out")
    assert (rows["net.weight"]["verdict"], rows["unused.bias"]["verdict"]) == ("updated", "unused")


def test_a_module_runs_by_its_name(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "train.py").write_text(TRAIN)
    result = tracer("run", "--quiet", "--format", "json", "--out", "o", "-m", "pack.train", "--lr", "1", "-v")
    assert (result.returncode, result.stdout) == (0, "trained ['--lr', '1', '-v']\n")
    assert result.stderr == "warned\n"
    assert read(tmp_path / "o")["net.bias"]["verdict"] == "updated"


@pytest.mark.parametrize(("end", "status"), [("sys.exit(7)", 7), ("sys.exit('stop')", 1), ("1 / 0", 1)])
def test_a_program_that_fails_keeps_its_status_and_gets_a_report(
    tmp_path: Path, tracer: Shell, end: str, status: int
) -> None:
    (tmp_path / "train.py").write_text(f"{TRAIN}\n{end}\n")
    result = tracer("run", "--format", "json", "--fail-on", "warning", "train.py")
    assert result.returncode == status
    assert read(tmp_path / "tracer-out")["net.weight"]["verdict"] == "updated"


def test_findings_fail_a_program_that_succeeds_when_asked(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    args = ["--quiet", "--format", "json", "train.py"]
    assert tracer("run", "--fail-on", "warning", *args).returncode == 1
    assert tracer("run", "--fail-on", "error", *args).returncode == 0


def test_a_traceback_shows_no_frame_of_the_tracer(tmp_path: Path, tracer: Shell) -> None:
    source = TRAIN.replace("torch.ones(2, 3)", "torch.ones(2, 5)")
    (tmp_path / "train.py").write_text(source)
    result = tracer("run", "--quiet", "--format", "json", "train.py")
    assert result.returncode == 1
    assert "RuntimeError: mat1 and mat2 shapes cannot be multiplied" in result.stderr
    assert result.stderr.startswith(f'Traceback (most recent call last):\n  File "{tmp_path}/train.py", line 7')
    assert "tracer" not in result.stderr
    assert "overrides.py" not in result.stderr


def test_a_syntax_error_leaves_no_report(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "bad.py").write_text("def (\n")
    result = tracer("run", "bad.py")
    assert result.returncode == 1
    assert result.stderr.splitlines()[0] == f'  File "{tmp_path}/bad.py", line 1'
    assert result.stderr.splitlines()[-1] == "SyntaxError: invalid syntax"
    assert list((tmp_path / "tracer-out").iterdir()) == []


def test_a_program_without_torch_gets_a_report_that_says_so(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "plain.py").write_text("import sys; print('torch' in sys.modules)")
    result = tracer("run", "--format", "json", "plain.py")
    assert (result.returncode, result.stdout) == (0, "False\n")
    assert "tracer: note: The program never imported torch, so there was nothing to record." in result.stderr


def test_torch_is_imported_by_the_program_itself(tmp_path: Path, tracer: Shell) -> None:
    # so that what a program sets before that, such as OMP_NUM_THREADS, still counts
    (tmp_path / "env.py").write_text("import sys\nprint('torch' in sys.modules)\nimport torch\nprint(torch.ones(1))\n")
    assert tracer("run", "--quiet", "--format", "json", "env.py").stdout == "False\ntensor([1.])\n"


WORKERS = """
import os, sys, torch
from torch.utils.data import DataLoader, Dataset
class Numbers(Dataset):
    def __len__(self): return 4
    def __getitem__(self, i): return torch.full((3,), float(i))
if __name__ == "__main__":
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for how in ("fork", "spawn"):
        for x in DataLoader(Numbers(), batch_size=4, num_workers=1, multiprocessing_context=how):
            net(x).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
    child = os.fork()
    if child == 0:
        sys.exit(5)
    print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.slow
def test_workers_and_forked_children_leave_the_report_to_their_parent(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "train.py").write_text(WORKERS)
    result = tracer("run", "--format", "json", "train.py")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "child 5\n"
    assert result.stderr.count("tracer: wrote") == 1
    report = json.loads((tmp_path / "tracer-out" / "report.json").read_text())
    assert report["steps"] == 2
