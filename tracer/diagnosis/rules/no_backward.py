"""The forward pass ran, but no backward did.

Without ``loss.backward()`` no gradient exists, and ``optimizer.step()`` skips every parameter without a
word. The same holds for a backward that raised before it reached the parameter, for
``backward(inputs=...)`` that names other tensors, and for ``torch.autograd.grad``, which returns gradients
and leaves ``.grad`` as it is.

Fix: call ``loss.backward()`` before ``optimizer.step()``. Pure evaluation, and search without gradients, need
nothing: they have no optimizer and ask for no gradient.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import missed_by, only_evaluated, outermost, rootless
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable, Where
from tracer.diagnosis.lines import line_at, optimizer_lines, times
from tracer.diagnosis.saying import found
from tracer.events import BackwardStarted, ModuleSeen

CODE = "TR204"
NAME = "no_backward"
REQUIRES = (ModuleSeen, BackwardStarted)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if not missed_by(leaf, facts):
        return None
    if leaf.computed:
        return _returned(leaf, facts)
    calls = outermost(facts)
    if not calls:
        return _never(leaf, facts)
    if leaf.cuts or leaf.dropped:
        return None
    return _raised(leaf, facts) or _left_out(leaf, facts)


def _never(leaf: LeafFacts, facts: Facts) -> Finding | None:
    owners = [optimizer for optimizer, _ in leaf.owners]
    if only_evaluated(leaf, facts):
        return None
    stepped = sum(facts.stepped.get(key, 0) for key in owners)
    then = f", although {times(stepped, 'step')} followed" if stepped else ""
    message = f"no backward ran in the whole recording{then}, so it has no gradient"
    where = (*_steps(leaf, facts), *_error_lines(facts), *optimizer_lines(facts, owners))
    return found(NAME, leaf, message, "call loss.backward() before optimizer.step()", where)


def _raised(leaf: LeafFacts, facts: Facts) -> Finding | None:
    """All backwards failed, and none had a detached root: PyTorch's error is the cause."""
    calls = outermost(facts)
    failed = [b for b in calls if (end := facts.ended.get(b.backward)) is not None and end.error]
    if len(failed) != len(calls) or any(rootless(b) for b in calls):
        return None
    error = facts.errors[-1] if facts.errors else None
    reason = (error.reason or error.text) if error else (facts.ended[failed[-1].backward].error or "")
    message = f"backward raised before it reached the parameter: {reason.splitlines()[0] if reason else 'an error'}"
    where = (*_error_lines(facts), *line_at(facts, failed[-1].place, "backward"))
    return found(NAME, leaf, message, "remove the cause of the error; see the lines", where)


def _left_out(leaf: LeafFacts, facts: Facts) -> Finding | None:
    """``backward(inputs=...)`` reached the leaf's graph but was told to leave the leaf out."""
    told = [facts.backwards[key] for key in leaf.reached]
    if not told or not all(b.call != "backward" or b.inputs is not None for b in told):
        return None
    named = [b for b in told if b.inputs is not None and leaf.leaf not in b.inputs]
    if not named:
        return None
    message = f"{times(len(named), 'backward')} had its graph, but inputs= named other tensors only"
    lines = (line for b in named for line in line_at(facts, b.place, "backward"))
    return found(NAME, leaf, message, "add it to inputs=, or call backward() without inputs=", lines)


def _returned(leaf: LeafFacts, facts: Facts) -> Finding | None:
    """``autograd.grad`` computed it, and an optimizer stepped all the same and found nothing."""
    values = [step.value for step in leaf.steps]
    if not values or any(value is None or value.changed for value in values):
        return None
    calls = [b for b in facts.backwards.values() if b.call != "backward" and b.backward in leaf.reached]
    message = (
        f"autograd.grad returned its gradient in {times(leaf.computed, 'call')} and left .grad None, "
        f"so {times(leaf.step_count, 'step')} skipped it"
    )
    fix = "call loss.backward(), or put what autograd.grad returns into .grad before optimizer.step()"
    lines = [line for b in calls for line in line_at(facts, b.place, "backward", "autograd.grad")]
    return found(NAME, leaf, message, fix, (*lines, *_steps(leaf, facts)))


def _error_lines(facts: Facts) -> tuple[Where, ...]:
    lines: list[Where] = []
    for error in facts.errors[-1:]:
        lines += line_at(facts, error.because, "culprit")
        lines += line_at(facts, error.place, "backward", error.kind)
    return tuple(lines)


def _steps(leaf: LeafFacts, facts: Facts) -> tuple[Where, ...]:
    return line_at(facts, leaf.steps[0].place, "step") if leaf.steps else ()


def _train(torch: Any, backward: bool) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = net(torch.randn(8, 3)).pow(2).mean()
        if backward:
            loss.backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, backward=False)


def good(torch: Any) -> None:
    _train(torch, backward=True)
