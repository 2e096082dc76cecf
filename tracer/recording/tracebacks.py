"""Tracebacks of the user's program, without the frames that tracing put in."""

from __future__ import annotations

import os
from types import TracebackType

_OWN = tuple(
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), part)
    for part in ("recording" + os.sep, "commands" + os.sep, "api.py", "trace.py")
)
#: Where torch hands a call to a function mode.
#: Source: https://pytorch.org/docs/stable/torch.overrides.html#torch.overrides.handle_torch_function
_HANDED_OVER = (os.path.join("torch", "overrides.py"), "handle_torch_function")


def without_own_frames(error: BaseException) -> None:
    """Take our frames out of the traceback of an exception, and of those that it came from."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        each.__traceback__ = _rebuild(_shown(each.__traceback__))
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]


def _shown(first: TracebackType | None) -> list[TracebackType]:
    """Return the entries to show, outermost first."""
    shown: list[TracebackType] = []
    handed_over = False
    while first is not None:
        code = first.tb_frame.f_code
        if _is_hand_over(first):
            handed_over = True
        elif not code.co_filename.startswith(_OWN):
            # a torch function written in Python appears twice: once handing over, once doing the work
            if handed_over and shown and shown[-1].tb_frame.f_code is code:
                shown.pop()
            handed_over = False
            shown.append(first)
        first = first.tb_next
    return shown


def _is_hand_over(entry: TracebackType) -> bool:
    code = entry.tb_frame.f_code
    return code.co_name == _HANDED_OVER[1] and code.co_filename.endswith(_HANDED_OVER[0])


def _rebuild(entries: list[TracebackType]) -> TracebackType | None:
    chain: TracebackType | None = None
    for entry in reversed(entries):
        chain = TracebackType(chain, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return chain
