"""``python -m benchmarks.long_runs``: what watching a long run costs, in time (``time``) and in memory (``memory``)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks.memory import _status
from benchmarks.workloads import Training

#: Steps between samples, and steps in one block of the measurement: a block holds one sample.
EVERY = 100


def small_mlp() -> Training:
    """Six layers of 512, batch 64: a step of few milliseconds."""
    import torch
    from torch import nn

    layers = [part for _ in range(6) for part in (nn.Linear(512, 512), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(512, 10))
    x, y = torch.randn(64, 512), torch.randint(0, 10, (64,))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    return Training(model, optimizer, x, lambda: nn.functional.cross_entropy(model(x), y))


def deep_net() -> Training:
    """75 layers with 150 parameters: linear layers and normalisations by turns, each 96 wide."""
    import torch
    from torch import nn

    layers = [part for _ in range(37) for part in (nn.Linear(96, 96), nn.LayerNorm(96), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(96, 8))
    x, y = torch.randn(32, 96), torch.randint(0, 8, (32,))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    return Training(model, optimizer, x, lambda: nn.functional.cross_entropy(model(x + 0.1 * torch.randn(32, 96)), y))


@click.group()
def main() -> None:
    """Measure long runs."""


@main.command("time")
@click.option("--rounds", default=12, show_default=True)
def times(rounds: int) -> None:
    """Blocks of 100 steps, untraced and watched by turns; the median of the ratios of neighbours."""
    import torch

    import tracer

    torch.set_num_threads(1)
    for make in (small_mlp, deep_net):
        torch.manual_seed(0)
        training = make()
        ways: dict[str, Callable[[], AbstractContextManager[Any]]] = {
            "watch(every=100)": lambda t=training: tracer.watch(t.model, t.optimizer, every=EVERY, first=0, sink=None),
            "record(every=100)": lambda t=training: _paused(
                tracer.record(t.model, t.optimizer, every=EVERY, first=1), t
            ),
        }
        found: dict[str, list[float]] = {name: [] for name in ways}
        steps: list[float] = []
        for _ in range(rounds):
            for name, way in ways.items():
                before = _block(training, nullcontext())
                found[name].append(2 * _block(training, way()) / (before + _block(training, nullcontext())))
                steps.append(before / EVERY)
        print(f"{make.__name__}: {1000 * median(steps):.2f} ms of CPU time per step untraced")
        for name, ratios in found.items():
            print(f"  {name}: {median(ratios):.4f}x (quartiles {_quartiles(ratios)})")


def _paused(recording: Any, training: Training) -> Any:
    """Enter a recording and let it record its first step, which is not measured."""
    recording.__enter__()
    training.step()
    return recording


def _block(training: Training, watched: AbstractContextManager[Any]) -> float:
    entered = watched if hasattr(watched, "trace") else watched.__enter__()
    training.step()
    started = time.process_time()
    for _ in range(EVERY):
        training.step()
    used = time.process_time() - started
    (entered if hasattr(entered, "trace") else watched).__exit__(None, None, None)
    return used


def _quartiles(values: list[float]) -> str:
    ordered = sorted(values)
    return f"{ordered[len(ordered) // 4]:.3f} to {ordered[3 * len(ordered) // 4]:.3f}"


@main.command()
@click.option("--every", default=1, show_default=True)
@click.argument("steps", nargs=-1, type=int)
def memory(steps: tuple[int, ...], every: int) -> None:
    """Record a model of 150 parameters for so many steps, each time in a process of its own."""
    print("steps  recording MiB  with report MiB  file MB  save s  report s")
    for count in steps or (100, 300, 1000, 3000):
        command = [sys.executable, "-m", "benchmarks.long_runs", "one", str(count), str(every)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "MALLOC_ARENA_MAX": "1"})
        print(done.stdout.strip() or done.stderr, flush=True)


@main.command(hidden=True)
@click.argument("steps", type=int)
@click.argument("every", type=int)
def one(steps: int, every: int) -> None:
    import torch

    import tracer

    torch.set_num_threads(1)
    torch.manual_seed(0)
    training = deep_net()
    for _ in range(3):
        training.step()
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is in use now
    with tracer.record(training.model, training.optimizer, every=every) as recording:
        for _ in range(steps):
            training.step()
    recorded = _status("VmHWM") - before
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        size = recording.save(Path(folder) / "trace.jsonl.gz").stat().st_size
        saved, started = time.process_time() - started, time.process_time()
    recording.report()
    judged = time.process_time() - started
    peak = _status("VmHWM") - before
    print(f"{steps:5} {recorded:14.1f} {peak:16.1f} {size / 1e6:8.2f} {saved:7.1f} {judged:9.1f}")


if __name__ == "__main__":
    main()
