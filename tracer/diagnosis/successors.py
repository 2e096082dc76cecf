"""Which tensor of an optimizer stands for which live parameter: by name first, then by shape and place."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tracer.diagnosis.evidence import arrived, trainable_at_end, windows
from tracer.diagnosis.facts import Facts, LeafFacts


@dataclass(frozen=True, slots=True)
class Stale:
    """An optimizer's tensor that a live parameter has taken over from."""

    old: LeafFacts
    place: int | None  #: where the exchange was seen
    held: int  #: how many such tensors the optimizers hold
    certain: bool  #: the exchange of the name was seen, or names and shapes agree one to one


def stale_of(leaf: LeafFacts, facts: Facts) -> Stale | None:
    """Return the tensor that an optimizer holds in the stead of ``leaf``."""
    return pairs(facts).get(leaf.leaf)


def superseded(facts: Facts) -> frozenset[int]:
    """Return the leaves that only live on in an optimizer, or nowhere: another took their name."""
    gone = {stale.old.leaf for stale in pairs(facts).values() if not _called(stale.old, facts)}
    for leaf in facts.leaves.values():
        if leaf.lost and not leaf.accumulated and not _holds_name_again(leaf):
            gone.add(leaf.leaf)
    return frozenset(gone)


def _holds_name_again(leaf: LeafFacts) -> bool:
    return bool(leaf.replaced) and leaf.replaced[-1].step > leaf.lost[-1].step


def pairs(facts: Facts) -> dict[int, Stale]:
    """Return the stale tensor of each live leaf that has one."""
    known = facts.memo.get("stale")
    if known is None:
        known = facts.memo["stale"] = {**_by_shape(facts), **_by_copy(facts), **_by_name(facts)}
    return known


def _called(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether the leaf is still a parameter of a model that ran: it keeps its own row."""
    called = facts.once("called", lambda facts: {m.model for m in facts.modules.values() if m.calls})
    return leaf.seen.kind != "orphan" and not leaf.lost and leaf.seen.model in called


def _by_copy(facts: Facts) -> dict[int, Stale]:
    """A deep copy gets the gradients, the optimizer holds the original, which gets none."""
    found: dict[int, Stale] = {}
    for leaf in facts.leaves.values():
        old = None if leaf.seen.copy_of is None else facts.leaves.get(leaf.seen.copy_of)
        if old is None or leaf.owners or leaf.steps or not old.owners or old.accumulated or old.reached:
            continue
        # Gradients that a copy collects may be handed to the original by hand.
        if trainable_at_end(leaf) and arrived(leaf, facts) and not any(window.fed for window in windows(old, facts)):
            found[leaf.leaf] = Stale(old, leaf.seen.place, 0, True)
    return {key: Stale(s.old, s.place, len(found), True) for key, s in found.items()}


def _by_name(facts: Facts) -> dict[int, Stale]:
    """Follow each exchange of a name back to a tensor that an optimizer still holds."""
    found: dict[int, Stale] = {}
    for leaf in facts.leaves.values():
        if leaf.owners or not leaf.replaced or _rewritten(leaf, facts):
            continue
        at, seen = leaf.replaced[-1], {leaf.leaf}
        old = facts.leaves.get(at.old)
        while old is not None and not old.owners and old.replaced and old.leaf not in seen:
            seen.add(old.leaf)
            old = facts.leaves.get(old.replaced[-1].old)
        if old is not None and old.owners:
            found[leaf.leaf] = Stale(old, at.place, 0, True)
    return {key: Stale(s.old, s.place, len(found), True) for key, s in found.items()}


def _rewritten(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether the program makes a new tensor again and again that no gradient reaches: an average."""
    if arrived(leaf, facts) or leaf.seen.model is None:
        return False
    return facts.once("rebound", _times_rebound)[leaf.seen.model, leaf.seen.name] > 1


def _times_rebound(facts: Facts) -> Counter[tuple[int, str]]:
    return Counter((r.model, r.name) for leaf in facts.leaves.values() for r in leaf.replaced)


def _by_shape(facts: Facts) -> dict[int, Stale]:
    """Match tensors that only an optimizer knows with live parameters that no optimizer knows.

    A model that was never called, and whose parameters only the optimizer uses, counts like orphans: the
    program trains a deep copy of it.
    """
    called = {module.model for module in facts.modules.values() if module.calls}
    orphans = [
        o
        for o in facts.leaves.values()
        if o.owners and not o.accumulated and not o.reached
        and (o.seen.kind == "orphan" or (o.seen.model is not None and o.seen.model not in called))
    ]  # fmt: skip
    live = [
        leaf
        for leaf in facts.leaves.values()
        if leaf.seen.kind in ("parameter", "unregistered") and not leaf.owners and not leaf.steps
        and trainable_at_end(leaf) and arrived(leaf, facts)
    ]  # fmt: skip
    waiting = _Waiting(orphans)
    found: dict[int, Stale] = {}
    late: list[LeafFacts] = []
    for leaf in live:
        old = waiting.take(leaf)
        if old is None:
            late.append(leaf)
        else:
            found[leaf.leaf] = Stale(old, None, len(orphans), False)
    certain = len(found) == len(orphans)
    found |= _more_copies(found, late, facts, len(orphans))
    sure = {key: Stale(s.old, s.place, s.held, certain) for key, s in found.items()}
    return sure | _resized(waiting.left(), [leaf for leaf in late if leaf.leaf not in found], len(orphans))


def _resized(orphans: list[LeafFacts], late: list[LeafFacts], held: int) -> dict[int, Stale]:
    """Match what is left over when it pairs up one to one but for one size: a head for another number of classes."""
    if len(orphans) != len(late):
        return {}
    matched: dict[int, Stale] = {}
    rest = list(orphans)
    for leaf in late:
        old = next((o for o in rest if _but_one_size(o.seen.shape, leaf.seen.shape)), None)
        if old is None:
            return {}
        rest.remove(old)
        matched[leaf.leaf] = Stale(old, None, held, False)
    return matched


def _but_one_size(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return len(a) == len(b) and sum(m != n for m, n in zip(a, b, strict=True)) == 1


class _Waiting:
    """Orphans that no live leaf was matched with yet, by shape and by name."""

    def __init__(self, orphans: list[LeafFacts]) -> None:
        self._taken: set[int] = set()
        self._by_shape: dict[tuple[int, ...], deque[LeafFacts]] = defaultdict(deque)
        self._by_name: dict[tuple[tuple[int, ...], str], deque[LeafFacts]] = defaultdict(deque)
        for orphan in orphans:
            shape = tuple(orphan.seen.shape)
            self._by_shape[shape].append(orphan)
            self._by_name[shape, orphan.seen.name].append(orphan)

    def take(self, leaf: LeafFacts) -> LeafFacts | None:
        """Return the orphan of a leaf's shape and name, else the first of its shape; each is given once."""
        shape = tuple(leaf.seen.shape)
        for queue in (self._by_name.get((shape, leaf.seen.name)), self._by_shape.get(shape)):
            while queue:
                orphan = queue.popleft()
                if orphan.leaf not in self._taken:
                    self._taken.add(orphan.leaf)
                    return orphan
        return None

    def left(self) -> list[LeafFacts]:
        """Return those that were not given, by shape."""
        return [o for same in self._by_shape.values() for o in same if o.leaf not in self._taken]


def _more_copies(found: dict[int, Stale], late: list[LeafFacts], facts: Facts, held: int) -> dict[int, Stale]:
    """Match what is left over with tensors that are matched already, when whole sets of names repeat.

    Several deep copies of one prototype (``members.m0.0.weight``, ``members.m1.0.weight``) all stand for it: a
    further group is a copy when all its names and shapes under its prefix are those of a group that was matched.
    """
    groups: dict[str, dict[str, Stale]] = defaultdict(dict)
    for key, stale in found.items():
        for prefix, rest in _splits(facts.leaves[key].seen.name):
            groups[prefix][rest] = stale
    more: dict[str, dict[str, LeafFacts]] = defaultdict(dict)
    for leaf in late:
        for prefix, rest in _splits(leaf.seen.name):
            more[prefix][rest] = leaf
    alike: dict[frozenset[tuple[str, tuple[int, ...]]], dict[str, Stale]] = {}
    for known in groups.values():
        if len(known) > 1:
            alike.setdefault(_outline((rest, stale.old) for rest, stale in known.items()), known)
    copies: dict[int, Stale] = {}
    for leaves in more.values():
        model = alike.get(_outline(leaves.items()))
        if model is not None:
            copies.update((leaf.leaf, Stale(model[rest].old, None, held, False)) for rest, leaf in leaves.items())
    return copies


def _splits(name: str) -> Iterator[tuple[str, str]]:
    parts = name.split(".")
    return ((".".join(parts[:i]), ".".join(parts[i:])) for i in range(1, len(parts)))


def _outline(leaves: Iterable[tuple[str, LeafFacts]]) -> frozenset[tuple[str, tuple[int, ...]]]:
    return frozenset((rest, tuple(leaf.seen.shape)) for rest, leaf in leaves)
