"""Reentrant checkpointing got no input that requires grad, so the layers inside get no gradient.

``checkpoint(..., use_reentrant=True)`` runs the layer under ``no_grad`` and recomputes it in backward; it
only takes part in the graph through its *inputs*. When none of them requires grad (frozen embeddings under
adapters or LoRA), its output does not either, and the parameters inside get nothing. PyTorch only warns:
"None of the inputs have requires_grad=True. Gradients will be None". The verdict is ``cut``; this says why.

Fix: ``use_reentrant=False``, or make the input require grad (``model.enable_input_require_grads()``).

Source: https://docs.pytorch.org/docs/stable/checkpoint.html
"""

from __future__ import annotations

import importlib
from typing import Any

from tracer.diagnosis.cutting import cut_fix, cut_lines, cuts_for
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import text_of
from tracer.diagnosis.saying import found
from tracer.events import BackwardStarted, CutFound

CODE = "TR206"
NAME = "checkpoint_cut"
REQUIRES = (BackwardStarted, CutFound)
#: The general statement of the same cause, and the primary verdict.
WITH = ("TR202",)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    cuts = tuple(cut for cut in cuts_for(leaf, facts) if cut.kind == "checkpoint")
    if not cuts:
        return None
    call = cuts[0].block or cuts[0].place  # the operation inside is where the path ends, the call is what to change
    message = (
        f"reentrant checkpointing{text_of(facts, call)} got no input that requires grad, so it built no graph for the "
        "parameters inside"
    )
    return found(NAME, leaf, message, cut_fix(facts, cuts), cut_lines(facts, cuts), certain=cuts[0].certain)


def _train(torch: Any, reentrant: bool) -> None:
    checkpoint = importlib.import_module("torch.utils.checkpoint").checkpoint

    torch.manual_seed(0)
    body, head = torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        hidden = checkpoint(body, torch.randn(8, 3), use_reentrant=reentrant)
        head(hidden).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    import warnings

    with warnings.catch_warnings():
        # PyTorch's own warning about this very mistake.
        warnings.simplefilter("ignore", UserWarning)
        _train(torch, reentrant=True)


def good(torch: Any) -> None:
    _train(torch, reentrant=False)
