"""Which steps are recorded: the first ones, then every so many, and more again when something changes.

A stretch of recorded steps begins and ends where an optimizer has stepped, outside any backward, so that no step is
seen by halves. With several optimizers the one that steps least often sets the pace: a stretch holds a step of each.
In between only the calls of ``optimizer.step`` are counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracer.errors import UsageError
from tracer.events import Noted, StepsPassed
from tracer.recording.torch_compat import backward_runs

if TYPE_CHECKING:
    from tracer.recording.optimizers import OptimizerInfo
    from tracer.recording.session import Session

#: So often the detail is raised because something changed; a program in which it goes on changing is sampled.
RAISES = 5
#: And at least so many steps in a row are recorded then.
ROW = 3


@dataclass(frozen=True, slots=True)
class Cadence:
    """The first so many steps, and then every so many.

    Raises:
        UsageError: for numbers that are not positive.
    """

    every: int = 1
    first: int = 1

    def __post_init__(self) -> None:
        if self.every < 1 or self.first < 0:
            raise UsageError(f"every={self.every}, first={self.first}.", "Each must be positive (first may be 0).")

    def due(self, step: int) -> bool:
        """Tell whether a step is recorded, counted from 1."""
        return step <= self.first or step % self.every == 0


@dataclass(slots=True)
class _Gap:
    """Steps that pass unseen."""

    since: int  #: the last step that was recorded
    steps: Counter[int] = field(default_factory=Counter)  #: key of an optimizer -> its steps
    stepping: set[int] = field(default_factory=set)  #: ids of optimizers that are inside ``step`` now
    overdue: bool = False  #: the next stretch begins as soon as nothing runs

    @property
    def until(self) -> int:
        return self.since + max(self.steps.values(), default=0)

    def event(self) -> StepsPassed:
        return StepsPassed(self.since, self.until, tuple(self.steps.items()))


@dataclass(slots=True)
class _Turns:
    """Steps of one optimizer in a stretch."""

    count: int = 0
    last: int = 0  #: number of the last one


class Sampling:
    """Lets a session pause and go on."""

    def __init__(self, session: Session, cadence: Cadence) -> None:
        self.session = session
        self.cadence = cadence
        self.on = cadence.every > 1
        self._start = 1  #: first step of the stretch that is recorded now
        self._until = max(1, cadence.first)  #: and the last one, at the least
        #: the optimizer whose step ends the stretch; None: a stretch of several steps shows which one it is to be
        self._pace: OptimizerInfo | None = None
        self._turns: dict[int, _Turns] = {}  #: optimizer -> its steps in this stretch
        self._met: set[int] = set()  #: optimizers that stepped in some stretch
        self._waiting = False  #: the stretch ends as soon as nothing runs
        self._gap: _Gap | None = None
        self._stretches: list[tuple[int, int]] = []  #: first and last step of each that has ended
        self.last_passed: OptimizerInfo | None = None  #: the optimizer that stepped last, unseen
        self._raised = 0
        self._last_graph = 0  #: step of the first stretch at which a graph was last seen for the first time

    # ------------------------------------------------------------------ while steps are recorded

    def stepped(self, info: OptimizerInfo) -> None:
        """An optimizer has stepped, and all is recorded of it."""
        if not self.on:
            return
        self._met.add(info.key)
        turns = self._turns.pop(info.key, None) or _Turns()
        self._turns[info.key] = turns  # the last is the one that stepped last
        turns.count, turns.last = turns.count + 1, self.session.step
        if self._ends_with(info):
            self._waiting = True
        self.quiet()

    def _ends_with(self, info: OptimizerInfo) -> bool:
        step = self.session.step
        if step < self._until:
            return False
        if self._pace is not None:
            return info is self._pace or step > self._until + 2 * self.cadence.every
        half = (self._start + step) // 2  # an optimizer that was not used since is done
        used = {key: turns.count for key, turns in self._turns.items() if turns.last >= half}
        fewest = min(used.values(), default=0)
        slowest = [key for key, count in used.items() if count == fewest]
        return slowest[-1:] == [info.key]

    def quiet(self) -> None:
        """End the stretch, if it is to end and nothing runs that began in it."""
        session = self.session
        if not self._waiting or session.in_step or session.backwards.running:
            return
        self._waiting = False
        self._stretches.append((self._start, session.step))
        self._pace = session.optimizers.all[next(reversed(self._turns))]
        self._gap = _Gap(session.step)
        session.pause()

    # ------------------------------------------------------------------ in between

    def entering(self, optimizer: Any) -> None:
        """An optimizer's step begins unseen."""
        if self._gap is not None:
            if id(optimizer) in self._gap.stepping:  # its last step raised
                self._gap.stepping.clear()
            self._gap.stepping.add(id(optimizer))

    def passed(self, optimizer: Any) -> None:
        """An optimizer has stepped unseen."""
        gap = self._gap
        if gap is None:
            return
        gap.stepping.discard(id(optimizer))
        info = self.last_passed = self.session.optimizers.info(optimizer)
        info.total += 1
        gap.steps[info.key] += 1
        if info.key not in self._met:
            self._met.add(info.key)
            self._pace, gap.overdue = info, True
        elif info is not self._pace and gap.steps[info.key] > 2 * self.cadence.every + 10 * self._of_pace(gap):
            self._pace = info  # the one that set the pace steps no more
        if info is self._pace and self.cadence.due(info.total + 1):
            gap.overdue = True
        self.go_on()

    def _of_pace(self, gap: _Gap) -> int:
        return 0 if self._pace is None else gap.steps[self._pace.key]

    def go_on(self) -> None:
        """Begin the next stretch, if it is due and nothing runs."""
        gap, session = self._gap, self.session
        if gap is None or not gap.overdue or gap.stepping or backward_runs():
            return
        self._gap = None
        session.step = gap.until
        self._start = session.step + 1
        self._until = max(self._until, self._start)
        self._turns.clear()
        session.resume(gap.event())

    # ------------------------------------------------------------------ what raises the detail

    def new_graph(self) -> None:
        """A backward runs on a graph that was not seen before."""
        if not self._stretches:
            self._last_graph = self.session.step
        elif 2 * self._last_graph <= self._stretches[0][1] or self._stretches[0][1] < 4:
            self.changed("a graph that was not seen before")

    def changed(self, what: str) -> None:
        """Something else is trained from now on than before: look at some steps in a row."""
        if not self.on or not self._stretches or self._pace is None:
            return  # there is nothing before, or steps in a row are being recorded
        if self._raised == RAISES:
            self.session.note_once(f"sampled on although there were more changes after these ({what})")
            return
        self._raised += 1
        self._until = self._start + max(ROW, self.cadence.first) - 1
        self._pace, self._waiting = None, False
        self._note(what, "steps from there on were recorded in a row")

    def broken(self) -> None:
        """A step uses NaN or Inf: from now on every step is recorded."""
        if self.on:
            self.on = self._waiting = False
            self._note("NaN or Inf in a gradient that a step used", "every step from there on was recorded")

    def _note(self, what: str, then: str) -> None:
        self.session.emit(Noted(f"step {self.session.step}: {what}; {then}"))

    # ------------------------------------------------------------------ the end

    def end(self) -> StepsPassed | None:
        """The recording ends: return what passed since the last stretch."""
        gap, self._gap = self._gap, None
        if gap is None and self.session.step >= self._start:
            self._stretches.append((self._start, self.session.step))
        return gap.event() if gap is not None and gap.steps else None

    def note(self) -> str:
        """Return which steps were looked at; '' for all of them."""
        stretches = list(dict.fromkeys(self._stretches))
        if len(stretches) < 2 and self._gap is None and self._start == 1:
            return ""
        count = sum(last - first + 1 for first, last in stretches)
        shown = [str(first) if first == last else f"{first}-{last}" for first, last in stretches]
        if len(shown) > 9:
            shown = [*shown[:5], "...", *shown[-3:]]
        first, every = self.cadence.first, self.cadence.every
        return (
            f"sampled (--first {first} --every {every}): of the steps, {count} were looked at ({', '.join(shown)}); "
            "the others were only counted"
        )
