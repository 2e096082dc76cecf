"""Numbers on their way from a device to the host: collected during a step, and brought over together.

What measures is written as a generator: it starts its kernels, yields the small tensors that it wants on the host,
and goes on when they are there. On the CPU that is at once. From any other device they come over in one copy per
step, which nobody waits for: what measured them goes on one step later, and every event keeps its place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from tracer.events import Event
from tracer.recording.torch_compat import without_torch_function

if TYPE_CHECKING:
    from tracer.recording.session import Session

T = TypeVar("T")
Tensors = Sequence[torch.Tensor]
#: Yields new tensors of its own, which nobody writes into; is sent the same on the host.
Later = Generator[Tensors, Tensors, T]

#: Letters that are kept before a copy is started although no step has ended.
FULL = 256
#: Copies that may be under way; then the oldest is waited for.
UNDER_WAY = 2


def now(work: Later[T]) -> T:
    """Do work that wants tensors on the host, waiting for them."""
    with without_torch_function(), torch.no_grad():
        return _finish(work)


def _finish(work: Later[T], hosts: Tensors | None = None) -> T:
    """Go on with work to its end, waiting for what it wants; ``hosts`` is what it wanted last, None at its start."""
    try:
        wanted = next(work) if hosts is None else work.send(hosts)
        while True:
            wanted = work.send([tensor.cpu() for tensor in wanted])
    except StopIteration as end:
        found: T = end.value
        return found


def together(*works: Later[Any]) -> Later[list[Any]]:
    """Do several works at once: what they want comes over together, and what each returns is returned."""
    results: list[Any] = [None] * len(works)
    hosts: list[Tensors | None] = [None] * len(works)
    running = list(range(len(works)))
    while True:
        wanted: list[tuple[int, Tensors]] = []
        for i in running:
            given = hosts[i]
            try:
                wanted.append((i, next(works[i]) if given is None else works[i].send(given)))
            except StopIteration as end:
                results[i] = end.value
        if not wanted:
            return results
        arrived = yield [tensor for _, tensors in wanted for tensor in tensors]
        at = 0
        for i, tensors in wanted:
            hosts[i] = arrived[at : at + len(tensors)]
            at += len(tensors)
        running = [i for i, _ in wanted]


@dataclass(slots=True)
class _Letter:
    """Work that waits for tensors."""

    work: Later[None]
    wanted: Tensors
    parcel: _Parcel | None = None
    first: int = 0  #: place of its first tensor in the parcel


class Mailbox:
    """What waits for numbers, and the events behind it, in order."""

    #: Also tensors on the CPU are brought over once per step: for tests.
    lazy = False

    def __init__(self, session: Session) -> None:
        self._session = session
        self._queue: deque[_Letter | Event] = deque()
        self._unsent: list[_Letter] = []
        self._under_way: deque[_Parcel] = deque()
        self._streams: dict[torch.device, set[Any]] = {}
        #: Work goes on now that began in the past: the user's tensors have other values by now.
        self.late = False

    @property
    def holds(self) -> bool:
        """Tell whether an event has to wait for those before it."""
        return bool(self._queue) and not self.late

    def delays(self, tensors: Tensors) -> bool:
        """Tell whether what wants such tensors goes on later, when the user's have other values."""
        return self.holds or self.lazy or any(tensor.device.type != "cpu" for tensor in tensors)

    def put(self, event: Event) -> None:
        """Keep an event behind what came before it."""
        self._queue.append(event)

    def post(self, work: Later[None]) -> None:
        """Do work, now as far as what it wants is on the host.

        The work holds no tensor of the user's while it waits, and enters no context around what it yields.
        """
        if self._session.in_graph():
            work.close()
            return
        try:
            with without_torch_function(), torch.no_grad():
                wanted = next(work)
                while not self.delays(wanted):
                    wanted = work.send(wanted)
        except StopIteration:
            return
        if self.late:  # posted by work that goes on in the past itself
            _finish(work, [tensor.cpu() for tensor in wanted])
            return
        letter = _Letter(work, wanted)
        self._queue.append(letter)
        self._unsent.append(letter)
        self._remember_streams(wanted)
        if len(self._unsent) >= FULL:
            self.step_ended()

    def _remember_streams(self, wanted: Tensors) -> None:
        for device in {tensor.device for tensor in wanted}:
            if device.type == "cuda":
                self._streams.setdefault(device, set()).add(torch.cuda.current_stream(device))

    def step_ended(self) -> None:
        """Start one copy for all that was wanted since the last one; go on with what has arrived."""
        if not self._queue or self._session.in_graph():
            return
        with without_torch_function(), torch.no_grad():
            self._send()
            while self._under_way and (len(self._under_way) > UNDER_WAY or self._under_way[0].arrived()):
                self._under_way.popleft().wait()
            self._deliver()

    def wait(self) -> None:
        """Bring everything over and go on with all of it: the recording is over, or somebody asks for it."""
        if not self._queue or self.late:
            return
        with without_torch_function(), torch.no_grad():
            self._send()
            while self._under_way:
                self._under_way.popleft().wait()
            self._deliver()

    def _send(self) -> None:
        if self._unsent:
            self._under_way.append(_Parcel(self._unsent, self._streams))
            self._unsent, self._streams = [], {}

    def _deliver(self) -> None:
        self.late = True
        try:
            while self._queue:
                first = self._queue[0]
                if isinstance(first, _Letter):
                    if first.parcel is None or first.parcel.hosts is None:
                        return
                    hosts = first.parcel.hosts[first.first : first.first + len(first.wanted)]
                    self._queue.popleft()
                    self._session.guard(_finish, first.work, hosts)
                else:
                    self._queue.popleft()
                    self._session.emit(first)
        finally:
            self.late = False


class _Parcel:
    """The tensors of some letters, joined per device and copied once each."""

    def __init__(self, letters: list[_Letter], streams: dict[torch.device, set[Any]]) -> None:
        tensors: list[torch.Tensor] = []
        for letter in letters:
            letter.parcel, letter.first = self, len(tensors)
            tensors.extend(letter.wanted)
        self.hosts: list[torch.Tensor] | None = None
        self._kinds = [(tensor.shape, tensor.dtype) for tensor in tensors]
        self._by_device: dict[torch.device, list[int]] = {}
        for i, tensor in enumerate(tensors):
            self._by_device.setdefault(tensor.device, []).append(i)
        # Held until the copy is done: they may lie in memory of other streams, which would be used again.
        self._held = tensors
        self._copies = {
            device: _copy([tensors[i] for i in members], streams.get(device, set()))
            for device, members in self._by_device.items()
        }

    def arrived(self) -> bool:
        return all(done is None or done.query() for _, done in self._copies.values())

    def wait(self) -> None:
        """Wait for the copies, and take the tensors apart again."""
        hosts: list[torch.Tensor] = [torch.empty(0)] * len(self._kinds)
        for device, (joined, done) in self._copies.items():
            if done is not None:
                done.synchronize()
            at = 0
            for i in self._by_device[device]:
                shape, dtype = self._kinds[i]
                size = shape.numel() * dtype.itemsize
                hosts[i] = joined[at : at + size].clone().view(dtype).reshape(shape)
                at += size
        self.hosts = hosts
        self._held, self._copies = [], {}


def _copy(tensors: list[torch.Tensor], streams: set[Any]) -> tuple[torch.Tensor, Any]:
    """Return the bytes of all tensors on the host, and what tells when they are there (None: they are).

    On CUDA a stream of our own waits for those on which the tensors were computed, joins them and copies them into
    pinned memory; neither the user's streams nor the program wait for it.
    """
    device = tensors[0].device
    if device.type != "cuda":
        return _join(tensors).cpu(), None
    side = _side_stream(device)
    for stream in streams | {torch.cuda.current_stream(device)}:
        side.wait_stream(stream)
    with torch.cuda.device(device), torch.cuda.stream(side):
        joined = _join(tensors)
        host = torch.empty(joined.numel(), dtype=torch.uint8, pin_memory=True)
        host.copy_(joined, non_blocking=True)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record(side)
    return host, done


def _join(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensor.reshape(-1).view(torch.uint8) for tensor in tensors])


def _side_stream(device: torch.device) -> Any:
    if device not in _side_streams:
        _side_streams[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    return _side_streams[device]


_side_streams: dict[torch.device, Any] = {}
