"""Where a loss that is not finite went wrong in the forward pass.

Only looked into when a scalar root is NaN or Inf: the tensors that nodes saved for backward are still there
then, and the first of them (in order of the forward pass) that is not finite names the operation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from tracer.recording.measure import fetch, norm, readable
from tracer.recording.torch_compat import without_torch_function

if TYPE_CHECKING:
    from tracer.recording.backwards import _Call
    from tracer.recording.nodes import Walk
    from tracer.recording.session import Session

#: At detail "flow" outputs of modules are looked at up to this many elements.
SMALL = 16_384


class ForwardNorms:
    """Norms of module outputs since the last backward: shows that a NaN was there before backward began."""

    def __init__(self) -> None:
        self._scalars: list[torch.Tensor] = []

    def take(self, output: Any, *, whole: bool) -> None:
        """Note the norm of a module's output, when it is a tensor of moderate size."""
        if not isinstance(output, torch.Tensor) or not output.is_floating_point() or not readable(output):
            return
        if (whole or output.numel() <= SMALL) and len(self._scalars) < 4096:
            with without_torch_function(), torch.no_grad():
                self._scalars.append(norm(output))

    def any_bad(self) -> bool:
        """Tell whether an output was NaN or Inf; forgets them all."""
        values = fetch(self._scalars)
        self._scalars.clear()
        return not all(math.isfinite(value) for value in values)


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
