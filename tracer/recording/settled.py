"""Lets the function mode rest in the forward of a module that has been doing the same for many steps.

Between two large operations our Python code is out of the caches: a call costs 20 us and more, which makes the mode
the dearest part of a recording. What it learns in a forward (lines of nodes, cuts) is the same for the same graph.
So after ``STEPS`` backwards over known graphs and as many calls of a root module in which nothing else happened, the
mode stands aside in 7 of 8 of its calls. A backward over an unknown graph, NaN, a new module, or anything that
happened to a parameter in a watched call switches this off for as many steps again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch

from tracer.recording.torch_compat import is_compiling, sequence_number

if TYPE_CHECKING:
    from tracer.recording.modules import ModuleInfo
    from tracer.recording.session import Session

#: So many times the same in a row before the mode rests.
STEPS = 8
#: While it rests, every so many calls of the module are watched all the same.
EVERY = 8


class Settled:
    """Counts how often the calls of root modules did the same."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.resting = False
        #: sequence numbers at which calls began and ended in which the mode rested
        self._unseen: deque[tuple[int, int]] = deque(maxlen=64)
        self._known = 0  #: backwards in a row over known graphs
        self._same: dict[tuple[int, bool, bool], tuple[int, int]] = {}  #: kind of call -> (nodes made, how often)
        self._stirred = 0
        self._call: tuple[tuple[int, bool, bool], int, int] = ((-1, False, False), 0, 0)

    def unless_resting(self, done: Callable[[torch.nn.Module], bool], hook: Callable[..., None]) -> Callable[..., None]:
        """Return a hook of modules that runs ``hook``, unless the mode rests and ``done`` says that this is enough."""
        recording = threading.get_ident()

        def short(module: torch.nn.Module, *args: Any) -> None:
            try:
                enough = not is_compiling() and self.resting and threading.get_ident() == recording and done(module)
            except Exception as problem:
                enough = False
                self.session.failed("settled", problem)
            if not enough:
                hook(module, *args)

        return short

    def stir(self) -> None:
        """Something happened that only the function mode sees, or for which it must be on."""
        self._stirred += 1

    def entered(self, info: ModuleInfo, module: torch.nn.Module) -> None:
        """A root module is called."""
        session = self.session
        kind = (info.key, torch.is_grad_enabled(), module.training)
        self._call = (kind, sequence_number(), self._stirred)
        count = self._same.get(kind, (0, 0))[1]
        settled = self._known >= STEPS and count >= STEPS and count % EVERY and not session.alarmed
        if settled and not session.mode.quiet:
            self.resting = True
            session.mode.rest()

    def wake(self) -> None:
        """The call has ended, or nothing is as it was."""
        if self.resting:
            self.resting = False
            self._unseen.append((self._call[1], sequence_number()))
            self.session.mode.wake()

    def interrupt(self) -> None:
        """Something happens inside a call in which the mode rests that has to be seen."""
        if self.resting:
            self.stir()
            self.wake()

    def left(self) -> None:
        """The call of a root module has ended."""
        self.wake()
        kind, start, stirred = self._call
        nodes, count = sequence_number() - start, 0
        known = self._same.get(kind)
        if known is not None and known[0] == nodes and stirred == self._stirred:
            count = known[1]
        self._same[kind] = (nodes, count + 1)

    def backward(self, seqs: Iterable[int], *, known: bool) -> bool:
        """A backward starts; tell whether its graph is new and no line of it is known, since the mode rested."""
        self._known = self._known + 1 if known else 0
        if known or not self._unseen:
            return False
        spans = tuple(self._unseen)
        return any(first <= seq < last for seq in seqs for first, last in spans)
