"""The autograd graph of one backward: an iterative walk over ``grad_fn``, and hooks that watch it run."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from tracer.events import GraphSeen, Node
from tracer.recording.custom_functions import backward_code
from tracer.recording.deep import PIECE, part
from tracer.recording.kinds import name_of
from tracer.recording.leaves import Leaf
from tracer.recording.mailbox import Later
from tracer.recording.measure import fetch, norm, readable
from tracer.recording.snapshots import BLOCK, BLOCKS
from tracer.recording.torch_compat import node_sequence, without_torch_function

if TYPE_CHECKING:
    from tracer.recording.session import Session

#: Structure of at most so many nodes is recorded; the rest is counted.
LIMIT = 2_000_000
#: Up to this size a graph's first backward is watched node by node; of a larger one nodes spread evenly.
FIRST = 20_000
#: When the same graph comes again, at most so many nodes are watched, until there is an alarm.
AGAIN = 3_000
#: At detail "flow" a node's gradient is measured up to this many elements, except at module borders.
SMALL = 16_384


class Walk:
    """The nodes behind some roots, nearest first, in plain lists with one index per node."""

    def __init__(self, roots: Sequence[Any]) -> None:
        self.nodes: list[Any] = []
        self.names: list[str] = []
        self.seqs: list[int] = []
        self.edges: list[tuple[int, int, int]] = []
        self.variables: dict[int, torch.Tensor] = {}
        self.truncated = 0
        # Wrappers stay in ``nodes``, so their ids are not reused while this walk lives.
        index: dict[int, int] = {}
        for root in roots:
            if root is not None and id(root) not in index:
                index[id(root)] = len(self.nodes)
                self.nodes.append(root)
        self.roots = tuple(range(len(self.nodes)))
        self._follow(index)
        if len(self.nodes) > PIECE:
            self._part()

    def _follow(self, index: dict[int, int]) -> None:
        nodes, edges, names, seqs = self.nodes, self.edges, self.names, self.seqs
        for node in nodes:  # grows while it is read
            at = len(names)
            names.append(node.name())
            seqs.append(node_sequence(node))
            following = node.next_functions
            for slot, (target, _) in enumerate(following):
                if target is None:
                    continue
                mark = id(target)
                known = index.get(mark)
                if known is None:
                    known = len(nodes)
                    if known >= LIMIT:
                        self.truncated += 1
                        continue
                    index[mark] = known
                    nodes.append(target)
                edges.append((at, known, slot))
            if not following:
                variable = getattr(node, "variable", None)
                if variable is not None:
                    self.variables[at] = variable

    def forget(self) -> None:
        """Let go of nodes and variables; the structure stays, in numbers."""
        self.nodes.clear()
        self.variables.clear()

    def _part(self) -> None:
        """Have a deep graph freed in pieces."""
        nodes, seqs, variables = self.nodes, self.seqs, self.variables
        for source, target, _ in self.edges:
            if seqs[source] // PIECE != seqs[target] // PIECE and target not in variables:
                part(nodes[source], seqs[source], nodes[target], seqs[target])

    def fingerprint(self, leaves: dict[int, int], mark: object) -> str:
        """Return a digest of structure and leaves, equal for steps that build the same graph."""
        digest = hashlib.blake2b(digest_size=12)
        digest.update("\0".join(self.names).encode())
        digest.update(array("q", chain.from_iterable(self.edges)))
        digest.update(repr((sorted(leaves.items()), mark)).encode())
        return digest.hexdigest()


class Plan(NamedTuple):
    """What is watched when a graph comes again: the first time showed which gradients are small."""

    nodes: tuple[int, ...]
    ran: frozenset[int]
    large: bool  #: whether there are others
    turn: int = 1  #: how often the graph came

    def whole(self) -> bool:
        """Tell whether every node is watched again: at the 4th, 16th, 64th ... time."""
        return self.turn.bit_count() == 1 and self.turn.bit_length() % 2 == 1


class Watch:
    """Hooks on the nodes of one walk for the time of one backward."""

    def __init__(self, session: Session, walk: Walk, leaf_of: dict[int, Leaf], *, whole: bool) -> None:
        self.session = session
        self.order: list[int] = []
        self._leaf_of = leaf_of
        self._hooked: set[int] = set()
        self._whole = whole
        self._indices: list[int] = []
        self._scalars: list[torch.Tensor] = []
        self._handles: list[Any] = []
        self._none: set[int] = set()
        self._estimates: set[int] = set()  #: nodes whose norm is an estimate: a zero there proves nothing
        self.large: set[int] = set()  #: nodes whose gradient is too large to be measured at this detail
        #: nodes that are known to run although they are not watched
        self.expected: frozenset[int] = frozenset()

    def measure(self, walk: Walk, indices: Iterable[int]) -> None:
        """Watch these nodes run."""
        for i in indices:
            self._handles.append(walk.nodes[i].register_prehook(partial(self._ran, i)))

    def measure_hooked(self, walk: Walk, indices: Sequence[int]) -> None:
        """Watch the AccumulateGrad nodes whose leaves carry hooks of the user's."""
        self._hooked.update(indices)
        for i in indices:
            self._handles.append(walk.nodes[i].register_prehook(partial(self._arrived, i)))

    def _arrived(self, i: int, grads: tuple[torch.Tensor | None, ...]) -> None:
        try:
            with without_torch_function():
                self.session.hooks.passed(self._leaf_of[i], grads[0] if grads else None)
        except Exception as problem:
            self.session.failed("leaf prehook", problem)

    def _ran(self, i: int, grads: tuple[torch.Tensor | None, ...]) -> None:
        """Prehook of a node: ``grads`` are the gradients of its outputs, None where there is none."""
        try:
            self.order.append(i)
            with without_torch_function():
                self._measure(i, grads)
        except Exception as problem:
            self.session.failed("node prehook", problem)

    def _measure(self, i: int, grads: tuple[torch.Tensor | None, ...]) -> None:
        found = False
        for grad in grads:
            if grad is None:
                continue
            found = True
            if not self._whole and grad.numel() > SMALL:
                self.large.add(i)
                self._sample(i, grad)
            elif readable(grad):
                self._scalars.append(norm(grad))
                self._indices.append(i)
        if not found:
            self._none.add(i)

    def _sample(self, i: int, grad: torch.Tensor) -> None:
        """Estimate the norm of a large gradient from some of its elements, when they lie in a row."""
        if grad.layout == torch.strided and readable(grad) and grad.is_contiguous():
            count = grad.numel()
            blocks = grad.detach().as_strided((BLOCKS, BLOCK), (count // BLOCKS, 1))
            self._scalars.append(norm(blocks.reshape(-1)) * (count / (BLOCKS * BLOCK)) ** 0.5)
            self._indices.append(i)
            self._estimates.add(i)

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def plan(self, walk: Walk) -> Plan:
        """Return what to watch next time, after a backward that was watched whole.

        A gradient tells which operation made it bad only together with those that the operation received: nodes
        with a large one before them are left out.
        """
        ran = frozenset(self.order)
        beside = self.large.union(target for source, target, _ in walk.edges if source in self.large)
        nodes = sorted(ran - beside)
        return Plan(tuple(nodes[:: 1 + len(nodes) // AGAIN]), ran, bool(self.large))

    def norms(self, count: int) -> Later[list[float | None]]:
        """Return the measured norm per node; several outputs of a node count together."""
        result: list[float | None] = [None] * count
        values = yield from fetch(self._scalars)
        for i, value in zip(self._indices, values, strict=True):
            if value == 0.0 and i in self._estimates:
                continue
            known = result[i]
            result[i] = value if known is None else (known * known + value * value) ** 0.5
        self._scalars.clear()
        return result

    def culprits(self, norms: list[float | None], walk: Walk) -> tuple[tuple[int, str], ...]:
        """Return nodes that received a good gradient and passed on a bad one: (node, kind).

        Kinds: "nan", "inf", "zero" and "none" (the node ran and gave no gradient for an input).
        """
        bad = [(i, kind) for i in self.order if (kind := self._kind(i, norms))]
        if not bad:
            return ()
        sources: dict[int, list[int]] = {}
        for source, target, _ in walk.edges:
            sources.setdefault(target, []).append(source)
        watched = set(self.order)
        ran = self.expected | watched
        found: dict[tuple[int, str], None] = {}
        for i, kind in bad:
            feeding = [s for s in sources.get(i, ()) if s in ran]
            if not feeding or any(s not in watched or self._bad(s, norms, kind) for s in feeding):
                continue
            for source in feeding:
                found[source, kind] = None
        return tuple(found)[:200]

    def _kind(self, i: int, norms: list[float | None]) -> str:
        return "none" if i in self._none else _badness(norms[i])

    def _bad(self, i: int, norms: list[float | None], kind: str) -> bool:
        badness = self._kind(i, norms)
        if kind == "zero":
            return badness in ("zero", "none")
        if kind == "none":
            return badness == "none"
        return badness in ("nan", "inf")


def _badness(value: float | None) -> str:
    if value is None:
        return ""
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf"
    return "zero" if value == 0.0 else ""


def describe(session: Session, walk: Walk, graph: int, fingerprint: str, leaf_of: dict[int, Leaf]) -> GraphSeen:
    """Build the event of a new structure: names, modules, lines and leaves of its nodes."""
    modules = session.origins.modules_of(walk.seqs)
    nodes = []
    for i, name in enumerate(walk.names):
        leaf = leaf_of.get(i)
        if name.endswith("Backward"):
            session.custom.met(name, walk.nodes[i])
        made = None if i in walk.variables else session.origins.function_at(walk.seqs[i])
        nodes.append(
            Node(
                name=name,
                module=None if i in walk.variables else modules[i],
                place=_own_line(session, walk.nodes[i]) if made is None else session.places.key((made[2], made[3])),
                op=None if made is None else name_of(made[4]),
                leaf=None if leaf is None else leaf.key,
            )
        )
    return GraphSeen(graph, fingerprint, tuple(nodes), tuple(walk.edges), walk.truncated)


def _own_line(session: Session, node: Any) -> int | None:
    """Return the place of ``backward`` of a custom Function, for a node whose ``apply`` was not seen."""
    code = backward_code(node)
    return None if code is None else session.places.definition(code)
