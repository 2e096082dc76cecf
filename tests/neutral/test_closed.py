"""What the tracer may not touch: the network, the environment and arguments of a program."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable
from pathlib import Path

from tracer.reports.registry import FORMATS

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

NO_NETWORK = """
import sys
def refuse(event, args):
    if event.startswith("socket."):
        raise RuntimeError(f"{event} {args}")
sys.addaudithook(refuse)
"""
PROGRAM = """
import torch
net = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
net(torch.ones(1, 2)).sum().backward()
optimizer.step()
"""


def test_recording_and_every_format_need_no_network(tmp_path: Path, python: Shell) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    formats = ",".join(FORMATS)
    (tmp_path / "main.py").write_text(
        f"{NO_NETWORK}\nfrom tracer.trace import main\n"
        f"sys.exit(main(['run', '--out', 'out', '--format', '{formats}', 'train.py']))"
    )
    done = python("main.py")
    assert done.returncode == 0, done.stderr
    assert "no " not in done.stderr.replace("no network", "")
    assert {known.file for known in FORMATS.values()} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_environment_and_arguments_of_a_program_are_not_stored(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    done = tracer("run", "--out", "out", "train.py", "--token", "argvsecret", MY_TOKEN="envsecret")
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "out").rglob("*"):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert b"argvsecret" not in content, path
        assert b"envsecret" not in content, path


def test_without_source_no_line_of_the_program_is_stored(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "train.py").write_text(PROGRAM.replace("lr=0.1", "lr=0.1234"))
    done = tracer("run", "--no-source", "--out", "out", "train.py")
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "out").rglob("*"):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert b"optimizer = torch.optim" not in content, path
