"""What tracing costs each rank of a DDP job, and how many collectives a step takes.

``python -m torch.distributed.run --nproc-per-node 2 -m benchmarks.two_ranks [ROUNDS]``. Interleaved rounds of the
12-layer GPT-2 of the other benchmarks under DDP with gloo; a rank's CPU time per step, and what the default process
group counts of collectives.
"""

from __future__ import annotations

import json
import sys
import time
from statistics import median

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from benchmarks.watchers import OURS
from benchmarks.workloads import Training, gpt2

WATCHERS = ("untraced", "tracer graph", "tracer flow", "tracer full")
STEPS = 3


def data_parallel() -> Training:
    torch.manual_seed(0)
    plain = gpt2()
    model = DistributedDataParallel(plain.model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    return Training(model, optimizer, plain.inputs, lambda: model(input_ids=plain.inputs, labels=plain.inputs).loss)


def collectives() -> int:
    """Return how many collectives the default group has taken so far."""
    return int(dist.distributed_c10d._get_default_group()._get_sequence_number_for_group())


def main(args: list[str]) -> int:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    training = data_parallel()
    training.step()
    taken: dict[str, list[float]] = {name: [] for name in WATCHERS}
    wall: dict[str, list[float]] = {name: [] for name in WATCHERS}
    counted: dict[str, set[float]] = {name: set() for name in WATCHERS}
    for number in range(int(args[0]) if args else 5):
        for name in WATCHERS if number % 2 == 0 else reversed(WATCHERS):
            with OURS[name](training) as step:
                step()
                dist.barrier()
                cpu, start, before = time.process_time(), time.perf_counter(), collectives()
                for _ in range(STEPS):
                    step()
                counted[name].add((collectives() - before) / STEPS)
                taken[name].append((time.process_time() - cpu) / STEPS)
                wall[name].append((time.perf_counter() - start) / STEPS)
    rows = {
        name: {
            "CPU ms per step": round(1000 * median(taken[name]), 1),
            "x untraced": round(median(taken[name]) / median(taken["untraced"]), 3),
            "wall ms per step": round(1000 * median(wall[name]), 1),
            "collectives per step": sorted(counted[name]),
        }
        for name in WATCHERS
    }
    if dist.get_rank() == 0:
        print(json.dumps({"ranks": dist.get_world_size(), "torch": torch.__version__, **rows}, indent=1))
    dist.destroy_process_group()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
