"""Where numbers went wrong in the forward pass, before backward began.

Looked into only when a scalar root or a module's output is NaN or Inf: what nodes saved for backward is still
there then. The first node (in order of the forward pass) whose output was bad while its inputs were good is
the operation to blame; the search goes on to data or a parameter that was bad before any operation ran.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from tracer.recording.mailbox import Later
from tracer.recording.measure import fetch, norm, readable
from tracer.recording.saved_values import gave_bad, has_nan, is_result, not_finite, overflowed, saved
from tracer.recording.torch_compat import without_torch_function

if TYPE_CHECKING:
    from tracer.recording.backwards import _Call
    from tracer.recording.nodes import Walk
    from tracer.recording.session import Session

#: At detail "flow" outputs of modules are looked at up to this many elements.
SMALL = 16_384
#: Nodes that are looked at behind one bad output.
NEAR = 200


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

    def forget(self) -> None:
        """Forget what was noted: steps passed unseen."""
        self._scalars.clear()

    def any_bad(self) -> Later[bool]:
        """Tell whether an output was NaN or Inf; forgets them all."""
        scalars, self._scalars = self._scalars, []
        values = yield from fetch(scalars)
        return not all(math.isfinite(value) for value in values)


def first_bad_forward(session: Session, walk: Walk, call: _Call, bad_root: bool) -> None:
    """Set the culprit of a backward: (node, "forward" | "data" | "parameter"), and where bad data was made."""
    session.alarmed = True
    session.plain.alarm()
    if session.packed:
        # Unpacking what a hook packed may run the user's code.
        session.note_once(
            "where NaN or Inf began in the forward pass was not looked for: the program packs what nodes save "
            "(checkpointing or offloading)"
        )
        return
    children: dict[int, list[int]] = {}
    for source, target, _ in walk.edges:
        children.setdefault(source, []).append(target)
    index = {id(node): i for i, node in enumerate(walk.nodes)}
    found = _first_saved(walk, index)
    if found is None and not bad_root:
        return
    start, kind, data = found or (walk.roots[0], "forward", None)
    if kind == "forward":
        start, kind = _deepest(walk, children, start)
    if data is not None:
        call.source = session.plain.origin(data)
    call.culprits = ((start, kind),)


def _first_saved(walk: Walk, index: dict[int, int]) -> tuple[int, str, torch.Tensor | None] | None:
    """Return the first node of the forward pass that saved NaN, or before it +Inf: (node, kind, data)."""
    order = sorted((i for i in range(len(walk.nodes)) if i not in walk.variables), key=walk.seqs.__getitem__)
    infinite = None
    for i in order:
        for name, value in saved(walk.nodes[i]):
            nan = has_nan(value)
            if not nan and not overflowed(value) and not _from_bad_node(value):
                continue
            blamed = _blame(i, name, value, index)
            if nan:
                # Inf in data alone is often meant; Inf that an operation made comes before the NaN.
                return infinite if infinite is not None and infinite[1] == "forward" else blamed
            infinite = infinite or blamed
    return infinite


def _from_bad_node(value: torch.Tensor) -> bool:
    """Tell whether -Inf in a saved input was made by an operation such as log, not written as a mask."""
    return value.grad_fn is not None and not_finite(value) and gave_bad(value.grad_fn) is True


def _blame(i: int, name: str, value: torch.Tensor, index: dict[int, int]) -> tuple[int, str, torch.Tensor | None]:
    if is_result(name):
        return i, "forward", None
    if value.grad_fn is not None:
        return index.get(id(value.grad_fn), i), "forward", None
    return (i, "parameter", None) if value.requires_grad else (i, "data", value)


def _deepest(walk: Walk, children: dict[int, list[int]], start: int) -> tuple[int, str]:
    """Follow a bad output back to the operation whose inputs were good, or to a parameter that was bad."""
    at = start
    for _ in range(NEAR):
        before = _bad_behind(walk, children, at)
        if before is None:
            return at, "forward"
        if before in walk.variables:
            return at, "parameter"
        at = before
    return at, "forward"


def _bad_behind(walk: Walk, children: dict[int, list[int]], start: int) -> int | None:
    """Return the nearest node behind ``start`` that is known to have given NaN or Inf."""
    queue = list(children.get(start, ()))
    for i in queue:  # grows while it is read
        if len(queue) > NEAR:
            return None
        if i in walk.variables:
            value = walk.variables[i]
            if readable(value) and value.is_floating_point() and not_finite(value):
                return i
            continue
        bad = gave_bad(walk.nodes[i])
        if bad:
            return i
        if bad is None:
            queue.extend(c for c in children.get(i, ()) if c not in queue)
    return None
