"""Runs each kind of parallel training twice, untraced and traced; writes a rank's folder for each, and what differed.

Usage: every_kind.py OUT
"""

import importlib
import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist

import tracer
from tracer.commands.gathering import write_rank

KINDS = {
    "tensor": "tensor_parallel.run",
    "sequence": "tensor_parallel.run_sequence",
    "pipeline": "pipeline.run",
    "interleaved": "pipeline.run_interleaved",
    "sharded": "fully_sharded.run",
    "hybrid": "fully_sharded.run_hybrid",
    "zero": "sharded_optimizer.run",
    "other": "other_model.run",
}


# untraced torch 2.6 hangs in a pipeline over gloo, and cannot shard on the CPU; versions in between were not tried
OLD = tuple(map(int, torch.__version__.split(".")[:2])) < (2, 13)
NEW_ONLY = ("pipeline", "interleaved", "sharded", "hybrid") if OLD else ()


def counted(run):
    """Return the result, and how many collectives and messages the default group took for it."""
    group = dist.distributed_c10d._get_default_group()
    dist.barrier()
    before = group._get_sequence_number_for_group()
    result = run()
    return result, group._get_sequence_number_for_group() - before


sys.path.insert(0, str(Path(__file__).parent))
out, compared = Path(sys.argv[1]), {}
dist.init_process_group("gloo")
for kind, path in KINDS.items():
    if kind in NEW_ONLY:
        continue
    module, name = path.split(".")
    run = getattr(importlib.import_module(f"kinds.{module}"), name)
    alone = counted(run)
    with tracer.record() as recording:
        traced = counted(run)
    folder = out / kind / f"rank{dist.get_rank()}"
    folder.mkdir(parents=True)
    trace = recording.trace
    recording.save(folder / "trace.jsonl.gz")
    write_rank(trace, tracer.diagnose(trace), folder)
    compared[kind] = [alone, traced]
(out / f"compared{dist.get_rank()}.json").write_text(json.dumps(compared))
dist.destroy_process_group()
