"""``python -m benchmarks.large [chain|grid] [NODES]``: a graph of a million nodes, from the loop to the saved trace.

Prints seconds, microseconds per node and peak memory of each stage. ``--draw`` also draws the folded picture.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import torch

import tracer


def chain(nodes: int) -> torch.Tensor:
    """One operation after the other."""
    weight = torch.nn.Parameter(torch.ones(2))
    y = weight * 1.0
    for _ in range(nodes):
        y = y * 1.0001
    return y.sum() * 0.0


def grid(nodes: int) -> torch.Tensor:
    """Rows of 1,000 cells, each made from the cell to its left and the cell above it."""
    weight = torch.nn.Parameter(torch.ones(2))
    above = [weight * 0.5] * 1000
    for _ in range(nodes // 2000):
        left = above[0]
        row = []
        for cell in above:
            left = (left + cell) * 0.5
            row.append(left)
        above = row
    return torch.stack(above).sum() * 0.0


@click.command()
@click.argument("shape", type=click.Choice(["chain", "grid"]), default="chain")
@click.argument("nodes", default=1_000_000)
@click.option("--detail", default="flow", type=click.Choice(["graph", "flow", "full"]))
@click.option("--draw", is_flag=True)
def main(shape: str, nodes: int, detail: str, draw: bool) -> None:
    """Record, diagnose, save, load and fold one large graph."""
    torch.set_num_threads(1)
    make = {"chain": chain, "grid": grid}[shape]
    with _stage("untraced", nodes):
        make(nodes).backward()
    with _stage("recorded", nodes), tracer.record(detail=detail) as recording:
        make(nodes).backward()
    with _stage("diagnosed", nodes):
        report = recording.report()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.jsonl.gz"
        with _stage("saved", nodes):
            recording.save(path)
        print(f"file {path.stat().st_size / 2**20:.1f} MiB, {report.graph['nodes']} nodes")
        with _stage("loaded", nodes):
            tracer.load(path)
        if draw:
            with _stage("drawn", nodes):
                recording.draw(Path(folder) / "graph.svg")
    with _stage("networkx graph", nodes):
        recording.graph()


@contextmanager
def _stage(name: str, nodes: int) -> Iterator[None]:
    start = time.process_time()
    yield
    took = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name:15} {took:7.2f} s  {took / nodes * 1e6:6.2f} us per node  peak {peak:.2f} GiB", flush=True)


if __name__ == "__main__":
    main()
