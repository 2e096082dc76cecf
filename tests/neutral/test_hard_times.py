"""A full disk and no memory: the program ends as it would have, what was recorded is kept, and it is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import tracer
from tests.neutral.faults import program
from tests.neutral.observing import flatten, seed
from tracer.recording.grads import Grads
from tracer.recording.session import Session
from tracer.store import log
from tracer.store.jsonl import load

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

PROGRAM = """
import sys, torch
net = torch.nn.Sequential(*[torch.nn.Linear(4, 4) for _ in range(40)])
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for i in range(20):
    net(torch.ones(2, 4)).sum().backward()
    optimizer.step()
print("trained", i)
sys.exit(3)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 32 kB, where this system lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = [] if sys.platform != "linux" else ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(folder)]
    try:
        mounted = bool(made) and subprocess.run(made, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_on_a_full_disk_the_program_ends_as_it_would_have_and_the_report_is_printed(
    small_disk: Path, tmp_path: Path, tracer: Shell
) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    done = tracer("run", "--out", "disk/out", "train.py")
    assert done.returncode == 3
    assert done.stdout.startswith("trained 19\n")
    assert "80 parameters" in done.stdout + done.stderr
    assert done.stderr.count("tracer: cannot write ") == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in (small_disk / "out").iterdir()] == ["trace.jsonl.gz"]
    assert not load(small_disk / "out").header.finished


@pytest.mark.parametrize(
    ("owner", "name"), [(Session, "emit"), (Grads, "accumulated"), (Grads, "measure_pending")], ids=str
)
def test_without_memory_the_program_computes_the_same(owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(0)
    expected = flatten(program())

    def full(*_: Any) -> None:
        raise MemoryError

    with pytest.warns(RuntimeWarning, match=r"the tracer failed in .* \(MemoryError: \)"):
        with monkeypatch.context() as patch, tracer.record(detail="full") as recording:
            patch.setattr(owner, name, full)
            seed(0)
            found = flatten(program())
    assert found == expected
    assert recording.report() is not None


def test_events_that_there_is_no_memory_to_pack_are_kept_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> bytes:
        raise MemoryError

    monkeypatch.setattr(log, "pack", full)
    monkeypatch.setattr(log, "PIECE", 4)
    with tracer.record() as recording:
        weight = torch.ones(3, requires_grad=True)
        for _ in range(4):
            weight.square().sum().backward()
    assert recording.report().header.backwards == 4
    assert recording.report().notes == ()


def test_a_process_that_may_not_have_more_memory_ends_as_it_would_have(tmp_path: Path, python: Shell) -> None:
    """What it asks for in vain is its own; the recording goes on with the little that is left."""
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("this system does not tell how much memory a process has")
    (tmp_path / "main.py").write_text(
        """
import resource, torch, tracer
net = torch.nn.Linear(4, 1)
net(torch.ones(1, 4)).sum().backward()
with tracer.record() as recording:
    pages = int(open("/proc/self/statm").read().split()[0])
    limit = pages * resource.getpagesize() + 64 * 1024**2
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    net(torch.ones(1, 4)).sum().backward()
    try:
        torch.ones(1024**3)
    except RuntimeError as error:
        print("refused" if "allocate" in str(error) else error)
    net(torch.ones(1, 4)).sum().backward()
print(recording.report().header.backwards)
"""
    )
    done = python("main.py")
    assert (done.returncode, done.stdout) == (0, "refused\n2\n"), done.stderr
