"""A trace: a header and the events in the order they were observed. A plain value; no files, no drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tracer.events import SCHEMA, Event, Noted

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Header:
    """What holds for the whole trace."""

    schema: int = SCHEMA  #: of the events
    torch: str = ""  #: ``torch.__version__``
    python: str = ""  #: version of Python
    detail: str = "flow"  #: "graph", "flow" or "full"
    device: str = "cpu"  #: the devices of the leaves, comma separated
    rank: int = 0  #: this process in its job
    world_size: int = 1  #: processes in the job
    steps: int = 0  #: optimizer steps that were seen: the most by any one optimizer
    backwards: int = 0  #: calls of ``backward`` (not ``autograd.grad``), outermost only
    optimizers_known: bool = True  #: False when the recording could not see which optimizers exist
    values_compared: bool = True  #: False for a recording with ``values=False``
    program: str = ""  #: base name of the script or scenario
    finished: bool = True  #: False for a trace cut off before its end
    #: of each GPU that leaves are on: (name in torch, model, most bytes that tensors took on it)
    gpus: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """``events`` as observed; ``header`` is complete once the recording has ended."""

    header: Header = field(default_factory=Header)  #: what holds for all of it
    events: Sequence[Event] = ()  #: in the order they were observed; read anew from a packed form when there are many

    def of(self, kind: type[E]) -> Iterator[E]:
        """Yield the events of one kind, in order."""
        return (event for event in self.events if isinstance(event, kind))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not recorded, and why: each sentence once."""
        return tuple(dict.fromkeys(note.text for note in self.of(Noted)))
