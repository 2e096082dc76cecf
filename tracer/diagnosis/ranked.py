"""One parameter over the ranks of a job: what the rules about several ranks read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class RankedParameter:
    """What the ranks say of one parameter. Lists of ranks are in order."""

    model: str
    name: str
    verdicts: dict[str, list[int]] = field(default_factory=dict)  #: verdict -> ranks
    with_gradient: list[int] = field(default_factory=list)  #: ranks on which a gradient accumulated
    without_gradient: list[int] = field(default_factory=list)  #: requires grad, and none accumulated
    still: list[int] = field(default_factory=list)  #: ranks on which no step changed the value
    digests: dict[int, list[int]] = field(default_factory=dict)  #: digest of the last value -> ranks
    written: dict[tuple[str, int], list[int]] = field(default_factory=dict)  #: line that wrote outside -> ranks


@dataclass(slots=True)
class RankedRun:
    """A job."""

    world_size: int = 1
    ranks: list[int] = field(default_factory=list)
    steps: dict[int, int] = field(default_factory=dict)  #: rank -> optimizer steps
    errors: dict[int, str] = field(default_factory=dict)  #: rank -> the exception that ended its program
    parameters: dict[tuple[str, str], RankedParameter] = field(default_factory=dict)
    #: the first step after which the digests over all parameters differ between ranks; None where they agree
    parted: int | None = None


def told(ranks: Iterable[int], most: int = 6) -> str:
    """Return ``rank 1`` or ``ranks 0-3, 7`` for a sentence."""
    found = sorted(set(ranks))
    runs: list[list[int]] = []
    for rank in found:
        if runs and rank == runs[-1][1] + 1:
            runs[-1][1] = rank
        else:
            runs.append([rank, rank])
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in runs[:most]]
    more = f" and {len(runs) - most} more stretches" if len(runs) > most else ""
    return f"rank{'' if len(found) == 1 else 's'} {', '.join(shown)}{more}"
