"""The parameter took part in the loss, but the path from the loss back to it was cut.

Autograd follows tensors only through operations that it recorded. ``detach()``, ``.data``, ``no_grad``,
``inference_mode``, ``.item()``, NumPy and ``torch.tensor(x)`` hand the value on without its history, so the
loss still depends on the parameter, but backward does not know it. ``.grad`` stays None and nothing is
said. When the loss itself lost its graph this way, PyTorch raises "element 0 of tensors does not require
grad", which ``loss.requires_grad_()`` silences without making anything train.

Fix: keep the value a tensor inside autograd at the line of the cut; detach copies, for logging only.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.detach.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.cutting import cut_fix, cut_lines, cut_message, cuts_for, differentiable, unadded
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, made_lines, text_of
from tracer.diagnosis.losses import lost_root
from tracer.diagnosis.saying import found
from tracer.events import BackwardStarted, CutFound

CODE = "TR202"
NAME = "cut"
REQUIRES = (BackwardStarted, CutFound)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    cuts = cuts_for(leaf, facts)
    # The nearest to the loss names the verdict: behind it the others do not show.
    if cuts and differentiable(cuts[0]) and lost_root(leaf, facts) is None:
        message, fix, lines = cut_message(facts, cuts), cut_fix(facts, cuts), cut_lines(facts, cuts)
        beside = unadded(leaf, cuts)
        if beside is not None:
            at = text_of(facts, beside.place)
            message += f"; a number that still has its graph ({beside.op}{at}) is in no backward"
            fix += f", or add the loss{at} to what backward starts from"
            lines += line_at(facts, beside.place, "dropped", beside.op)
        where = (*lines, *made_lines(facts, leaf))
        return found(NAME, leaf, message, fix, where, certain=cuts[0].certain)
    return None


def _train(torch: Any, detach: bool) -> None:
    torch.manual_seed(0)
    encoder, head = torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        code = torch.tanh(encoder(torch.randn(8, 3)))
        if detach:
            code = code.detach()
        head(code).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, detach=True)


def good(torch: Any) -> None:
    _train(torch, detach=False)
