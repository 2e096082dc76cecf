"""What PyTorch complains of in a backward, and the line of the program that made it so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tracer.recording.kinds import name_of
from tracer.recording.nodes import Walk
from tracer.recording.places import Site

if TYPE_CHECKING:
    from tracer.recording.session import Session

#: AccumulateGrad nodes all share the greatest number.
UNNUMBERED = {2**64 - 1, 2**63 - 1}
#: A line, and a clause that says what it did; (None, "") where the cause is not known.
Cause = tuple[Site | None, str]


def cause_of(session: Session, text: str, walk: Walk | None, freed: Iterable[tuple[set[int], Site | None]]) -> Cause:
    """Return why a backward raised.

    Args:
        text: PyTorch's own words.
        walk: the graph it ran over.
        freed: the nodes that each earlier backward freed, with its line, the latest last.
    """
    if "second time" in text and walk is not None:
        return _freed_by(walk, freed)
    if "modified by an inplace operation" in text and walk is not None:
        return _written_at(session, text, walk)
    if "does not require grad" in text:
        return None, "what backward was called on has no graph: see the cut of each parameter"
    return None, ""


def _freed_by(walk: Walk, freed: Iterable[tuple[set[int], Site | None]]) -> Cause:
    mine = set(walk.seqs)
    for seqs, site in reversed(list(freed)):
        if seqs & mine:
            return site, "the backward on that line freed parts of this graph"
    return None, ""


def _written_at(session: Session, text: str, walk: Walk) -> Cause:
    """Find a write outside the graph, the one write inside it, or a step that came after it was begun."""
    begun = min(set(walk.seqs) - UNNUMBERED, default=0)
    for site, name, shape, number in reversed(session.inplace):
        if number > begun and f"[{', '.join(map(str, shape))}]" in text:
            return site, f"{name} on that line changed a tensor of this shape that backward still needs"
    made = {call[:4]: call for seq in walk.seqs if (call := session.origins.function_at(seq)) is not None}
    writes = [(call[2:4], name) for call in made.values() if _in_place(name := name_of(call[4]))]
    if len(writes) == 1:
        return writes[0][0], f"{writes[0][1]} on that line changed a tensor that backward still needs"
    stepped = session.optimizers.last_step
    if not writes and stepped is not None and begun < stepped[0]:
        return stepped[1], "the step on that line changed parameters in place after this graph was built with them"
    return None, ""


def _in_place(name: str) -> bool:
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
