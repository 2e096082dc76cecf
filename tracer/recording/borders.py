"""At each backward: from its graph back through dark records to the leaves that it does not reach."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.events import CutFound, TermDropped
from tracer.recording.dark import Dark, Lit
from tracer.recording.places import Site

if TYPE_CHECKING:
    from tracer.recording.cuts import CutSide

#: Records looked at for one backward.
RECORDS = 20_000
#: Cuts told in front of another one, at most: the nearest to it.
NESTED = 4
#: Names of nodes that only add terms of a loss together.
_SUMS = (
    "Add", "Sub", "Mul", "Div", "Mean", "Sum", "Stack", "Neg", "View", "Squeeze", "Unsqueeze", "ToCopy", "Cat",
)  # fmt: skip


class Border(NamedTuple):
    """One cut between the root of a backward and what lies behind it."""

    record: Dark
    reentry: Site | None  #: where its value entered the graph again, on the side of the root
    depth: int  #: 0 = found first


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
        leaves = self.side.session.leaves.all
        for chain in self._borders(seqs):
            for key in self.side.far.leaves_behind(chain[-1].record):
                if key not in reached and leaves[key].requires_grad:
                    for border in chain:
                        self._tell(backward, key, border)

    def _tell(self, backward: int, key: int, border: Border) -> None:
        session, record = self.side.session, border.record
        told = (key, record.kind, record.site)
        if told in self._told:
            return
        self._told.add(told)
        session.emit(
            CutFound(
                session.step, backward, key, record.kind, record.op, session.places.key(record.site),
                session.places.key(record.block), session.places.key(border.reentry), record.certain, border.depth,
            )
        )  # fmt: skip

    def _borders(self, seqs: Iterable[int]) -> Iterator[tuple[Border, ...]]:
        """Yield each record at which a path leaves the graph, after the borders that lie between it and the root."""
        side = self.side
        queue: deque[tuple[Dark, Site | None, bool, tuple[Border, ...]]] = deque()
        seen: set[int] = set()
        walked: set[int] = set()
        depth = 0

        def enter(seq: int, certain: bool, outer: tuple[Border, ...]) -> None:
            for record, site in side.joins.lit.get(seq, ()):
                queue.append((record, site, certain, outer))

        for seq in seqs:
            enter(seq, True, ())
        while queue:
            record, site, certain, outer = queue.popleft()
            if id(record) in seen or len(seen) > RECORDS:
                continue
            seen.add(id(record))
            certain = certain and record.certain
            lit = [parent for parent in record.parents if isinstance(parent, Lit)]
            queue.extend((parent, site, certain, outer) for parent in record.parents if isinstance(parent, Dark))
            if not lit:
                continue
            chain = (*outer[-NESTED:], Border(record if certain else record.as_doubtful(), site, depth))
            depth += 1
            for parent in lit:
                if parent.seq is not None:
                    for seq in side.far.reachable(parent.seq, walked):
                        enter(seq, certain, chain)
            yield chain

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
