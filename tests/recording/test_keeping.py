"""The unfinished trace in a file: when it is saved, what a killed program leaves, what a full disk does."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

import tracer
from tracer.errors import UsageError
from tracer.recording.keeping import EVERY, SHARE, Keeping
from tracer.recording.session import Session
from tracer.store.jsonl import load, save
from tracer.traces import Header, Trace

ROOT = Path(__file__).resolve().parents[2]


def train(steps: int) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(net.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        net(torch.ones(2, 4)).square().mean().backward()
        optimizer.step()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_saves_at_once_and_then_rarely_enough_to_cost_little() -> None:
    clock, saved = Clock(), []

    def slow(trace: Trace) -> None:
        saved.append(clock.now)
        clock.now += 0.5

    keeping = Keeping(Trace, slow, clock)
    for _ in range(600):
        keeping.progress()
        clock.now += 0.1
    assert saved == pytest.approx([100.0, 115.5, 131.0, 146.5], abs=0.5)
    assert (EVERY, SHARE) == (2.0, 30)


def test_what_cannot_be_saved_is_tried_once_and_told_once() -> None:
    tries = []

    def full(trace: Trace) -> None:
        tries.append(trace)
        raise UsageError("cannot write x: No space left on device.")

    with pytest.warns(RuntimeWarning, match="No space left on device"):
        with Session() as session:
            session.keep(full)
            train(3)
    assert len(tries) == 1
    assert tracer.diagnose(session.trace).header.steps == 3
    assert [note for note in session.trace.notes if "No space left" in note]


def test_the_kept_trace_is_a_report_of_what_has_run_so_far(tmp_path: Path) -> None:
    with Session() as session:
        session.keep(lambda trace: save(trace, tmp_path / "x.gz"))
        assert load(tmp_path / "x.gz").header.finished is False
        session._keeping._next = 0.0  # type: ignore[union-attr]
        train(3)
    kept = load(tmp_path / "x.gz")
    report = tracer.diagnose(kept)
    assert kept.header.finished is False
    assert report.notes == ("the recording had not ended when this was kept: what came later is missing",)
    assert {row.grad.accumulated for row in report} == {1}


def test_keeping_does_not_change_the_final_trace(tmp_path: Path) -> None:
    def record(keep: bool) -> str:
        with Session() as session:
            if keep:
                session.keep(lambda trace: save(trace, tmp_path / "x.gz"))
                session._keeping._next = 0.0  # type: ignore[union-attr]
            train(3)
        return repr(tracer.diagnose(session.trace))

    assert record(True) == record(False)


PROGRAM = """
import tracer.recording.keeping as keeping
keeping.EVERY = keeping.SHARE = 0  # at every step: a kill then often hits a saving
import torch
net = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
while True:
    net(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    print("step", flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_program_leaves_a_trace_that_loads(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    run = subprocess.Popen(
        [sys.executable, "-m", "tracer.trace", "run", "--out", "out", "train.py"],
        cwd=tmp_path, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert run.stdout is not None
    for _ in range(5):
        assert run.stdout.readline() == b"step\n"
    run.kill()
    assert run.wait(60) == -signal.SIGKILL
    run.stdout.close()
    report = tracer.diagnose(load(tmp_path / "out"))
    assert report.header.steps >= 4
    assert not report.header.finished


def kill_at_random(folder: Path, rng: random.Random) -> Trace:
    """Fork a process that trains and keeps its trace, kill it after a random time, and return what it left."""
    path = folder / "trace.jsonl.gz"
    child = os.fork()
    if not child:
        import tracer.recording.keeping as keeping

        keeping.EVERY = keeping.SHARE = 0
        with Session() as session:
            session.keep(lambda trace: save(trace, path))
            train(10**9)
    until = time.monotonic() + 60
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.25))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return load(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_kills_at_random_moments_leave_traces_that_load(tmp_path: Path) -> None:
    """``TRACER_KILLS=100`` kills as many; in the usual test run only a few."""
    kills = int(os.environ.get("TRACER_KILLS", "6"))
    rng = random.Random(kills)
    torch.set_num_threads(1)
    found = []
    for number in range(kills):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(kill_at_random(folder, rng))
    assert all(isinstance(trace.header, Header) and not trace.header.finished for trace in found)
    assert len({len(trace.events) for trace in found}) > 1
    for trace in found[:6]:
        tracer.diagnose(trace)


def test_a_trace_kept_before_the_first_step_does_not_say_that_none_ever_came() -> None:
    net = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    session = Session(net, optimizer)
    with session:
        net(torch.ones(2, 4)).square().mean().backward()
        kept = tracer.diagnose(session.trace)
    ended = tracer.diagnose(session.trace)
    assert [(row.verdict, row.severity) for row in kept] == [("no_step", "info")] * 2
    assert [(row.verdict, row.severity) for row in ended] == [("no_step", "warning")] * 2
