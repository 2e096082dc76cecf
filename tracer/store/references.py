"""Do the node numbers in a trace lead to nodes? Checked while reading, so that nobody later meets a wrong one."""

from __future__ import annotations

from collections.abc import Iterable

from tracer.events import BackwardEnded, BackwardStarted, Event, GraphSeen
from tracer.store.encoding import Mismatch


class References:
    """Knows how many nodes each graph has, and which graph each backward ran on."""

    def __init__(self) -> None:
        self._nodes: dict[int, int] = {}
        self._graphs: dict[int, int | None] = {}

    def check(self, event: Event) -> None:
        """Take in the next event of a trace.

        Raises:
            Mismatch: when it names a graph or a node that is not there.
        """
        if isinstance(event, GraphSeen):
            if event.graph in self._nodes:
                raise Mismatch(f"GraphSeen.graph {event.graph} comes twice")
            self._nodes[event.graph] = len(event.nodes)
        elif isinstance(event, BackwardStarted):
            self._graphs[event.backward] = event.graph
            self._in_range("BackwardStarted.roots", event.roots, self._size(event))
        elif isinstance(event, BackwardEnded) and event.backward in self._graphs:
            graph = self._graphs[event.backward]
            count = 0 if graph is None else self._nodes[graph]
            if event.norms and len(event.norms) != count:
                raise Mismatch(f"BackwardEnded.norms holds {len(event.norms)} numbers for {count} nodes")
            self._in_range("BackwardEnded.order", event.order, count)
            self._in_range("BackwardEnded.culprits", (node for node, _ in event.culprits), count)

    def _size(self, event: BackwardStarted) -> int:
        if event.graph is None:
            return 0
        if event.graph not in self._nodes:
            raise Mismatch(f"BackwardStarted.graph {event.graph} was not seen before")
        return self._nodes[event.graph]

    def _in_range(self, field: str, numbers: Iterable[int], count: int) -> None:
        wrong = next((number for number in numbers if not 0 <= number < count), None)
        if wrong is not None:
            raise Mismatch(f"{field} holds node {wrong} of a graph with {count}")
