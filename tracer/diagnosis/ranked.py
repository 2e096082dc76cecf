"""One parameter over the ranks of a job: what the rules about several ranks read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


class Ranks:
    """A set of ranks, kept as stretches: all of 10,000 ranks are one pair of numbers."""

    __slots__ = ("stretches",)

    def __init__(self, ranks: Iterable[int] = ()) -> None:
        self.stretches: list[list[int]] = []  #: first and last of each, in order, never touching
        for rank in ranks:
            self.add(rank)

    def add(self, rank: int) -> None:
        """Take one rank; the next one in order costs nothing."""
        found = self.stretches
        if found and found[-1][1] == rank - 1:
            found[-1][1] = rank
        elif not found or rank > found[-1][1]:
            found.append([rank, rank])
        elif rank not in self:
            self.update(Ranks([rank]))

    def update(self, other: Ranks) -> None:
        """Take all ranks of another set; later ones cost nothing."""
        mine, theirs = self.stretches, other.stretches
        if not theirs:
            return
        if not mine or theirs[0][0] > mine[-1][1]:
            follows = mine and theirs[0][0] == mine[-1][1] + 1
            if follows:
                mine[-1][1] = theirs[0][1]
            mine.extend([first, last] for first, last in (theirs[1:] if follows else theirs))
            return
        joined: list[list[int]] = []
        for first, last in sorted([*mine, *theirs]):
            if joined and first <= joined[-1][1] + 1:
                joined[-1][1] = max(joined[-1][1], last)
            else:
                joined.append([first, last])
        self.stretches = joined

    def common(self, other: Ranks) -> Ranks:
        """Return the ranks that are in both."""
        found = Ranks()
        mine, theirs = iter(self.stretches), iter(other.stretches)
        a, b = next(mine, None), next(theirs, None)
        while a and b:
            first, last = max(a[0], b[0]), min(a[1], b[1])
            if first <= last:
                found.stretches.append([first, last])
            if a[1] < b[1]:
                a = next(mine, None)
            else:
                b = next(theirs, None)
        return found

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.stretches)

    def __iter__(self) -> Iterator[int]:
        return (rank for first, last in self.stretches for rank in range(first, last + 1))

    def __contains__(self, rank: int) -> bool:
        at = bisect_right(self.stretches, rank, key=lambda stretch: stretch[0]) - 1
        return at >= 0 and rank <= self.stretches[at][1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranks) and self.stretches == other.stretches

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Ranks({list(self)})" if len(self) < 20 else f"Ranks({self.stretches})"


@dataclass(slots=True)
class RankedParameter:
    """What the ranks say of one parameter."""

    model: str
    name: str
    verdicts: dict[str, Ranks] = field(default_factory=dict)
    shapes: dict[tuple[int, ...], Ranks] = field(default_factory=dict)  #: of the whole tensor
    with_gradient: Ranks = field(default_factory=Ranks)  #: a gradient accumulated
    without_gradient: Ranks = field(default_factory=Ranks)  #: requires grad, and none accumulated
    still: Ranks = field(default_factory=Ranks)  #: no step changed the value
    digests: dict[int, Ranks] = field(default_factory=dict)  #: digest of the last value -> ranks
    undigested: Ranks = field(default_factory=Ranks)  #: still other values than the digests that were kept
    written: dict[tuple[str, int], Ranks] = field(default_factory=dict)  #: line that wrote outside -> ranks


@dataclass(slots=True)
class RankedRun:
    """A job."""

    world_size: int = 1
    ranks: Ranks = field(default_factory=Ranks)
    steps: dict[int, Ranks] = field(default_factory=dict)  #: optimizer steps -> ranks that made so many
    errors: dict[str, Ranks] = field(default_factory=dict)  #: the exception that ended the program -> ranks
    #: model, as merged -> (stage, stages of the pipeline, ranks that run it)
    stages: dict[str, tuple[int, int, Ranks]] = field(default_factory=dict)
    parameters: dict[tuple[str, str], RankedParameter] = field(default_factory=dict)
    #: the first step after which the digests over all parameters differ between ranks; None where they agree
    parted: int | None = None
    _odd: set[str] | None = None  #: worked out once all ranks are there

    def differ(self, model: str) -> bool:
        """Tell whether the ranks have models of different shapes under this name: then they hold no replicas."""
        if self._odd is None:
            self._odd = {p.model for p in self.parameters.values() if len(p.shapes) > 1}
        return model in self._odd

    def expected(self, model: str) -> Ranks:
        """Return the ranks that should have a model: all, or those that run the stage."""
        known = self.stages.get(model)
        return self.ranks if known is None else known[2]


def told(ranks: Iterable[int], most: int = 6) -> str:
    """Return ``rank 1`` or ``ranks 0-3, 7`` for a sentence."""
    found = ranks if isinstance(ranks, Ranks) else Ranks(ranks)
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in found.stretches[:most]]
    more = f" and {len(found.stretches) - most} more stretches" if len(found.stretches) > most else ""
    return f"rank{'' if len(found) == 1 else 's'} {', '.join(shown)}{more}"
