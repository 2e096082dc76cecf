"""``python -m benchmarks.cuda``: what tracing costs on a GPU, written to ``benchmarks/results-cuda.json``.

Interleaved rounds; wall time of steps between two
synchronizations; and how often a traced step waits for the device, as PyTorch's sync debug mode counts it.
"""

from __future__ import annotations

import json
import platform
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import click
import torch

import tracer
from benchmarks.watchers import OURS
from benchmarks.workloads import Training

WORKLOAD = "GPT-2, 12 layers, n_embd 768, batch 8 x 512, fused AdamW"
RESULTS = Path(__file__).with_name("results-cuda.json")


def gpt2(layers: int = 12, width: int = 768, batch: int = 8, length: int = 512, device: str = "cuda") -> Training:
    """Return the training on a device."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(n_layer=layers, n_embd=width, n_head=width // 64, vocab_size=50257, use_cache=False)
    model = GPT2LMHeadModel(config).to(device)
    ids = torch.randint(0, 50257, (batch, length), device=device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    return Training(model, optimizer, ids, lambda: model(input_ids=ids, labels=ids).loss)


def measure(training: Training, rounds: int, steps: int, synchronize: Callable[[], None]) -> dict[str, list[float]]:
    """Return seconds per step of each round, by watcher."""
    found: dict[str, list[float]] = {name: [] for name in OURS}
    for number in range(rounds):
        for name in list(OURS) if number % 2 == 0 else reversed(list(OURS)):
            with OURS[name](training) as step:
                step()
                synchronize()
                start = time.perf_counter()
                for _ in range(steps):
                    step()
                synchronize()
                found[name].append((time.perf_counter() - start) / steps)
    return found


def waits(training: Training) -> dict[str, int]:
    """Return how often one later step waits for the device, by watcher."""
    found = {}
    for name, watcher in OURS.items():
        with watcher(training) as step:
            step()
            step()
            torch.cuda.synchronize()
            torch.cuda.set_sync_debug_mode("warn")
            try:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    step()
            finally:
                torch.cuda.set_sync_debug_mode("default")
        found[name] = sum("synchronizing" in str(warning.message) for warning in caught)
    return found


def result(seconds: dict[str, list[float]], counted: dict[str, int], machine: dict[str, Any]) -> dict[str, Any]:
    """Return what is written."""
    plain = median(seconds["untraced"])
    rows = {
        name: {
            "ms per step": round(1000 * median(times), 3), "x untraced": round(median(times) / plain, 3),
            "waits per step": counted[name],
        }
        for name, times in seconds.items()
    }  # fmt: skip
    return {"machine": machine, "workload": WORKLOAD, "rounds": len(seconds["untraced"]), **rows}


@click.command()
@click.option("--rounds", default=7, show_default=True)
@click.option("--steps", default=10, show_default=True, help="Steps in a round, besides the first.")
@click.option("--out", default=RESULTS, type=click.Path(path_type=Path), show_default=True)
def main(rounds: int, steps: int, out: Path) -> None:
    """Measure what watching a training step costs on a GPU."""
    if not torch.cuda.is_available():
        print("there is no CUDA device here: nothing was measured", file=sys.stderr)
        sys.exit(2)
    training = gpt2()
    for _ in range(3):
        training.step()
    seconds = measure(training, rounds, steps, torch.cuda.synchronize)
    machine = {
        "gpu": torch.cuda.get_device_name(), "cuda": torch.version.cuda, "torch": torch.__version__,
        "python": platform.python_version(), "tracer": tracer.__version__,
    }  # fmt: skip
    found = result(seconds, waits(training), machine)
    out.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
