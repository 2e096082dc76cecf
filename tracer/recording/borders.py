"""At each backward: from its graph back through dark records to the leaves that it does not reach."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from tracer.events import CutFound, TermDropped
from tracer.recording.dark import Dark, Lit
from tracer.recording.places import Site

if TYPE_CHECKING:
    from tracer.recording.cuts import CutSide

#: Records looked at for one backward.
RECORDS = 20_000
#: Names of nodes that only add terms of a loss together.
_SUMS = (
    "Add", "Sub", "Mul", "Div", "Mean", "Sum", "Stack", "Neg", "View", "Squeeze", "Unsqueeze", "ToCopy", "Cat",
)  # fmt: skip


class Borders:
    """Emits a ``CutFound`` or ``TermDropped`` for each border between graph and dark records, once."""

    def __init__(self, side: CutSide) -> None:
        self.side = side
        self._told: set[tuple[int, str, Site | None]] = set()
        self._told_terms: set[Site | None] = set()

    def resolve(self, backward: int, seqs: list[int], reached: set[int]) -> None:
        """Emit a ``CutFound`` for each leaf that the graph does not reach but a dark path does.

        Args:
            seqs: sequence numbers of the graph's nodes, nearest to the root first.
            reached: keys of the leaves that the graph reaches.
        """
        session = self.side.session
        depth = 0
        for border, reentry in self._borders(seqs):
            for key in self.side.far.leaves_behind(border):
                leaf = session.leaves.all[key]
                told = (key, border.kind, border.site)
                if key in reached or not leaf.requires_grad or told in self._told:
                    continue
                self._told.add(told)
                session.emit(
                    CutFound(
                        session.step, backward, key, border.kind, border.op, session.places.key(border.site),
                        session.places.key(border.block), session.places.key(reentry), border.certain, depth,
                    )
                )  # fmt: skip
            depth += 1

    def _borders(self, seqs: Iterable[int]) -> Iterator[tuple[Dark, Site | None]]:
        """Yield the records at which paths leave the graph, nearest first, those behind other cuts too."""
        side = self.side
        queue: deque[tuple[Dark, Site | None, bool]] = deque()
        seen: set[int] = set()
        walked: set[int] = set()

        def enter(seq: int, certain: bool) -> None:
            for record, site in side.joins.lit.get(seq, ()):
                queue.append((record, site, certain))

        for seq in seqs:
            enter(seq, True)
        while queue:
            record, site, certain = queue.popleft()
            if id(record) in seen or len(seen) > RECORDS:
                continue
            seen.add(id(record))
            certain = certain and record.certain
            border = False
            for parent in record.parents:
                if isinstance(parent, Dark):
                    queue.append((parent, site, certain))
                    continue
                border = True
                if parent.seq is not None:
                    for seq in side.far.reachable(parent.seq, walked):
                        enter(seq, certain)
            if border:
                if not certain and record.certain:
                    record = record.as_doubtful()
                yield record, site

    def resolve_terms(self, backward: int, root: int, seqs: list[int], names: list[str], edges: Any) -> None:
        """Emit a ``TermDropped`` for each dark term that was added into the root of a backward."""
        if not self.side.joins.terms:
            return
        following: dict[int, list[int]] = {}
        for source, target, _ in edges:
            following.setdefault(source, []).append(target)
        stack, seen = [root], set()
        while stack:
            i = stack.pop()
            if i in seen or not names[i].startswith(_SUMS):
                continue
            seen.add(i)
            term = self.side.joins.terms.get(seqs[i])
            if term is not None:
                self._tell_term(backward, *term)
            stack.extend(following.get(i, ()))

    def _tell_term(self, backward: int, record: Dark, site: Site | None) -> None:
        session = self.side.session
        if site in self._told_terms:
            return
        borders = [r for r in record.walk() if any(isinstance(p, Lit) for p in r.parents)]
        leaves = [key for border in borders for key in self.side.far.leaves_behind(border)]
        if not leaves:
            return
        self._told_terms.add(site)
        session.emit(
            TermDropped(
                session.step, backward, session.places.key(site), session.places.key(borders[0].site),
                borders[0].op, tuple(dict.fromkeys(leaves)),
            )
        )  # fmt: skip
