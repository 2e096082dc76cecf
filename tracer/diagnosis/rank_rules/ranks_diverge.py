"""Replicas of the parameter hold different values after the step.

Data parallel training rests on equal replicas: each rank starts from the same values and applies the same
averaged gradient. They part when a rank starts from another seed and nothing broadcasts, when gradients are
not averaged (a model that was not wrapped, ``no_sync`` around the last backward), or when a rank writes into
its parameters on its own. The saved checkpoint is then the model of one rank only.

Fix: wrap the model in DistributedDataParallel before training, or broadcast the values from rank 0; write
into parameters alike on every rank.

Source: https://docs.pytorch.org/docs/stable/notes/ddp.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.findings import Finding, Where
from tracer.diagnosis.ranked import RankedParameter, RankedRun, told

CODE = "TR602"
NAME = "ranks_diverge"


def check(parameter: RankedParameter, run: RankedRun) -> Finding | None:
    if len(parameter.digests) < 2 or len(run.steps) > 1 or run.differ(parameter.model):
        return None  # after different numbers of steps, or in different models, values are not comparable
    groups = sorted(parameter.digests.values(), key=lambda ranks: (-len(ranks), ranks.stretches))
    more = len(groups) - 4 + len(parameter.undigested)
    shown = " / ".join(told(ranks) for ranks in groups[:4]) + (f" and {more} more" if more > 0 else "")
    since = "" if run.parted is None else f"; the replicas of the model first differ after step {run.parted}"
    message = f"its values differ between {shown}{since}"
    where = []
    for (file, line), ranks in parameter.written.items():
        if len(ranks) < len(run.expected(parameter.model)):
            message += f"; only {told(ranks)} changed it outside the optimizer, at {file}:{line}"
            where.append(Where(file, line, "", role="overwritten"))
    fix = (
        "wrap the model in DistributedDataParallel, which broadcasts it and averages gradients, and write into "
        "parameters alike on every rank"
    )
    return Finding(CODE, NAME, "error", "certain", (), message, fix, tuple(where))


def _train(torch: Any, alike: bool) -> None:
    distributed = torch.distributed
    distributed.init_process_group("gloo")
    torch.manual_seed(0 if alike else distributed.get_rank())
    net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(3, 1)) if alike else torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    torch.manual_seed(distributed.get_rank())
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(4, 3)).pow(2).mean().backward()
        optimizer.step()
    distributed.destroy_process_group()


def bad(torch: Any) -> None:
    _train(torch, alike=False)


def good(torch: Any) -> None:
    _train(torch, alike=True)
