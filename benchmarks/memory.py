"""Peak memory of a step: each watcher in a process of its own, since a peak is never given back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

STEPS = 4


def peak(workload: str, watcher: str, limit: float) -> dict[str, float] | None:
    """Return the MiB that steps added to the process ("step") and its peak ("peak"); None when it failed."""
    command = [sys.executable, "-m", "benchmarks.memory", workload, watcher]
    # glibc keeps freed blocks per thread; one arena makes the numbers repeat
    env = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=env)
    except subprocess.TimeoutExpired:
        return None
    numbers = re.findall(r"[\d.]+", done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout else []
    return {"step": float(numbers[0]), "peak": float(numbers[1])} if len(numbers) == 2 else None


def _status(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    raise OSError(f"/proc/self/status has no {key}")


def _main(workload: str, watcher: str) -> None:
    import torch

    from benchmarks.peers import installed
    from benchmarks.watchers import OURS
    from benchmarks.workloads import WORKLOADS

    torch.set_num_threads(1)
    torch.manual_seed(0)
    training = WORKLOADS[workload]()
    watchers = {**OURS, **installed()[0]}
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is in use now
    with watchers[watcher](training) as step:
        for _ in range(STEPS):
            step()
    print(f"{_status('VmHWM') - before:.1f} {_status('VmHWM'):.1f}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
