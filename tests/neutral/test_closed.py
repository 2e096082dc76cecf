"""What the tracer may not touch: the network, the environment and arguments of a program."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.recording import torch_compat

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
    formats = "text,json,svg,png,dot,html,graphml,sarif,md"
    (tmp_path / "main.py").write_text(
        f"{NO_NETWORK}\nfrom tracer.trace import main\n"
        f"sys.exit(main(['run', '--out', 'out', '--format', '{formats}', 'train.py']))"
    )
    done = python("main.py")
    assert done.returncode == 0, done.stderr
    assert "no " not in done.stderr.replace("no network", "")
    assert (tmp_path / "out" / "report.html").is_file()


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


PRIVATE = [
    "_C._autograd._get_sequence_nr", "_C.DisableTorchFunction", "_C._len_torch_dispatch_stack",
    "_C._functorch", "_C._get_tracing_state", "_C._is_tracing", "_guards.TracingContext", "_foreach_norm",
    "_C._len_torch_function_stack", "overrides._get_current_function_mode",
    "overrides._get_current_function_mode_stack", "nn.modules.module._has_any_global_hook",
]  # fmt: skip


@pytest.mark.parametrize("name", PRIVATE)
def test_a_missing_private_name_costs_a_note_at_most(name: str, tmp_path: Path, python: Shell) -> None:
    """Each in its own process: the name is taken away before the recorder looks for it."""
    (tmp_path / "main.py").write_text(
        f"""
import importlib, torch, unittest.mock as mock
owner, _, last = "torch.{name}".rpartition(".")
thing = torch
for part in owner.split(".")[1:]:
    thing = getattr(thing, part)
real = getattr(thing, last)
delattr(thing, last)
import tracer.recording.torch_compat
setattr(thing, last, real)  # PyTorch itself needs it; the recorder has looked and not found it
import tracer
with tracer.record(detail="full") as recording:
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
print(sorted(row.verdict for row in recording.report()))
assert not [note for note in recording.report().notes if "the tracer failed" in note], recording.report().notes
"""
    )
    done = python("-W", "error", "main.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['updated', 'updated']\n"


def test_this_pytorch_has_every_private_name() -> None:
    assert torch_compat.MISSING == []
