"""Where a loss that is not finite went wrong in the forward pass.

Only looked into when a scalar root is NaN or Inf: the tensors that nodes saved for backward are still there
then, and the first of them (in order of the forward pass) that is not finite names the operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tracer.recording.measure import readable

if TYPE_CHECKING:
    from tracer.recording.backwards import _Call
    from tracer.recording.nodes import Walk
    from tracer.recording.session import Session

_INPUTS = ("_saved_self", "_saved_other", "_saved_input", "_saved_mat1", "_saved_mat2", "_saved_weight")


def first_bad_forward(session: Session, walk: Walk, call: _Call) -> None:
    """Set the culprit of a backward to the forward operation that first gave NaN or Inf."""
    session.alarmed = True
    children: dict[int, list[int]] = {}
    for source, target, _ in walk.edges:
        children.setdefault(source, []).append(target)
    order = sorted((i for i in range(len(walk.nodes)) if i not in walk.variables), key=walk.seqs.__getitem__)
    for i in order:
        found = _bad_saved(walk.nodes[i])
        if found is None:
            continue
        culprit = i
        if found in _INPUTS:
            made = [c for c in children.get(i, ()) if c not in walk.variables]
            culprit = max(made, key=walk.seqs.__getitem__, default=i)
        call.culprits = ((culprit, "forward"),)
        return


def _bad_saved(node: Any) -> str | None:
    """Return the name of a saved tensor of a node that holds NaN or Inf, results last."""
    names = [name for name in dir(node) if name.startswith("_saved_") and not name.endswith("_sym_sizes")]
    for name in sorted(names, key=lambda n: n == "_saved_result"):
        try:
            value = getattr(node, name)
        except (RuntimeError, AttributeError):
            continue
        if isinstance(value, torch.Tensor) and readable(value) and value.is_floating_point() and value.numel():
            plain = value.detach()
            if plain.numel() <= 50_000_000 and bool(torch.isnan(plain).any() | torch.isposinf(plain).any()):
                return name
    return None
