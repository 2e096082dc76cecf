"""Some ranks produced a gradient for the parameter, others did not.

DistributedDataParallel sums gradients in buckets and waits until every rank has delivered its part. A rank
whose forward pass left a parameter out never delivers: the next forward raises "Expected to have finished
reduction in the prior iteration", or the job hangs. With ``find_unused_parameters=True`` DDP notices and
takes zeros for the missing part, so the replicas stay equal; then this is only mentioned.

Fix: let every rank use the same parameters in each step (add ``0.0 * output.sum()`` of the part that is
skipped), or build DDP with ``find_unused_parameters=True``.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parallel.DistributedDataParallel.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.findings import Finding
from tracer.diagnosis.ranked import RankedParameter, RankedRun, told

CODE = "TR601"
NAME = "unused_on_rank"


def check(parameter: RankedParameter, run: RankedRun) -> Finding | None:
    if not parameter.with_gradient or not parameter.without_gradient:
        return None
    lacking = parameter.without_gradient
    ended = {text: common for text, ranks in run.errors.items() if (common := ranks.common(lacking))}
    served = not lacking.common(parameter.still) and not ended and len(parameter.digests) <= 1
    message = (
        f"a gradient accumulated on {told(parameter.with_gradient)}, but never on {told(lacking)}, "
        "which left it out of the forward pass or of the loss"
    )
    if served:
        message += "; DDP took zeros for the missing part, and the replicas are equal"
    if ended:
        text, ranks = min(ended.items(), key=lambda item: item[1].stretches[0])
        message += f"; {told(ranks)} ended with {text}"
    fix = (
        "nothing to fix if it is meant so"
        if served
        else "use it on every rank in each step (add 0.0 * output.sum()), or build DDP with find_unused_parameters=True"
    )
    return Finding(CODE, NAME, "info" if served else "error", "certain", (), message, fix)


def _train(torch: Any, everywhere: bool) -> None:
    distributed = torch.distributed
    distributed.init_process_group("gloo")
    torch.manual_seed(0)
    net = torch.nn.ModuleDict({"body": torch.nn.Linear(3, 3), "extra": torch.nn.Linear(3, 3)})
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        x = torch.randn(4, 3)
        y = net["body"](x)
        if everywhere or distributed.get_rank() == 0:
            y = y + net["extra"](x)
        y.pow(2).mean().backward()
        optimizer.step()
    distributed.destroy_process_group()


def bad(torch: Any) -> None:
    _train(torch, everywhere=False)


def good(torch: Any) -> None:
    _train(torch, everywhere=True)
