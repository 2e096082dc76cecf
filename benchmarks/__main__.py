"""``python -m benchmarks``: measure, print a table per workload, and write ``benchmarks/results.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console

from benchmarks.memory import peak
from benchmarks.peers import installed, versions
from benchmarks.tables import machine, rows, table
from benchmarks.timing import measure
from benchmarks.watchers import OURS, Watcher
from benchmarks.workloads import WORKLOADS

RESULTS = Path(__file__).with_name("results.json")


@click.command()
@click.option("--workload", "workloads", multiple=True, type=click.Choice(list(WORKLOADS)), help="Only these.")
@click.option("--watcher", "only", multiple=True, help="Only these, and untraced.")
@click.option("--rounds", default=7, show_default=True, help="Rounds; each runs every watcher once.")
@click.option("--steps", default=18, show_default=True, help="Steps in a round, besides the first.")
@click.option("--limit", default=60.0, show_default=True, help="Seconds a watcher may take in one round.")
@click.option("--memory/--no-memory", default=True, show_default=True, help="Measure peak memory too.")
@click.option("--out", default=RESULTS, type=click.Path(path_type=Path), show_default=True)
def main(
    workloads: tuple[str, ...], only: tuple[str, ...], rounds: int, steps: int, limit: float, memory: bool, out: Path
) -> None:
    """Measure what watching a training step costs."""
    torch.set_num_threads(1)
    console = Console(width=110 if not sys.stdout.isatty() else None)
    watchers, missing = _watchers(only)
    for name, reason in missing.items():
        console.print(f"{name} is skipped: {reason}")
    found: dict[str, Any] = {}
    for name in workloads or WORKLOADS:
        found[name] = _one(name, watchers, rounds, steps, limit, memory)
        console.print(table(name, (WORKLOADS[name].__doc__ or "").strip(), found[name]))
    result = {"machine": machine(), "versions": versions(), "threads": 1, "rounds": rounds, "workloads": found}
    out.write_text(json.dumps({**result, "skipped": missing}, indent=1) + "\n")
    console.print(f"written to {out}")


def _watchers(only: tuple[str, ...]) -> tuple[dict[str, Watcher], dict[str, str]]:
    peers, missing = installed()
    watchers = {**OURS, **peers}
    if only:
        watchers = {name: watchers[name] for name in watchers if name == "untraced" or name in only}
        missing = {}
    return watchers, missing


def _one(
    name: str, watchers: dict[str, Watcher], rounds: int, steps: int, limit: float, memory: bool
) -> dict[str, Any]:
    def say(what: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{name}: {what}", end="", file=sys.stderr, flush=True)

    torch.manual_seed(0)
    training = WORKLOADS[name]()
    for _ in range(2):
        training.step()
    timings = measure(training, watchers, rounds=rounds, steps=steps, limit=limit, say=say)
    usable = [watcher for watcher in watchers if memory and not timings[watcher].failure]
    peaks = {watcher: peak(name, watcher, 4 * limit) for watcher in usable}
    say("")
    return rows(timings, peaks)


if __name__ == "__main__":
    main()
