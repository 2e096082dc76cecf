"""The attribute that should be a parameter is a computed tensor.

``nn.Parameter(...).to(dtype)``, ``.cuda()``, ``* 0.1`` or ``.view(...)`` return a new tensor that was
computed from the parameter. It is no leaf: backward passes through it, its ``.grad`` stays None, and
``nn.Module`` does not register it. The parameter behind it is lost.

Fix: compute first and wrap last: ``nn.Parameter(torch.zeros(n).to(dtype))``.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.is_leaf.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import made_lines, text_of
from tracer.diagnosis.saying import found
from tracer.events import LeafSeen

CODE = "TR105"
NAME = "non_leaf"
REQUIRES = (LeafSeen,)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if leaf.seen.kind != "non_leaf":
        return None
    message = (
        f"the attribute holds a tensor that was computed{text_of(facts, leaf.seen.place)}, "
        "not a leaf: its .grad "
        "stays None, and parameters() does not list it"
    )
    fix = "convert or compute first and wrap the result in nn.Parameter last"
    return found(NAME, leaf, message, fix, made_lines(facts, leaf))


def _train(torch: Any, make: Any) -> None:
    class Gated(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Linear(3, 1, dtype=torch.float64)
            self.gate = make()

        def forward(self, x: Any) -> Any:
            return self.body(x) * torch.sigmoid(self.gate)

    torch.manual_seed(0)
    net = Gated()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(8, 3, dtype=torch.float64)).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    # The cast is computed from the parameter: ``gate`` is no leaf.
    _train(torch, lambda: torch.nn.Parameter(torch.zeros(1)).to(torch.float64))


def good(torch: Any) -> None:
    _train(torch, lambda: torch.nn.Parameter(torch.zeros(1, dtype=torch.float64)))
