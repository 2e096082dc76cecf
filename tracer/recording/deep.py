"""Deep graphs: once Python has looked at their nodes, they must be freed in pieces.

Since torch 2.13 a node that Python has seen is freed from inside the deallocation of the node before it. A
chain of some 50,000 such nodes overflows the C stack when its loss is dropped, and the process dies. So at
every so many nodes an object is left in ``node.metadata`` that holds the next node, and hands it over to be
freed on its own, when the stack is flat again.
Source: https://github.com/pytorch/pytorch/pull/181139 (nodes counted by ``intrusive_ptr``).
"""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from typing import Any

#: At most so many nodes are freed inside one another: some 200 bytes of stack each, seen on torch 2.13.
PIECE = 8192
#: Of ``node.metadata``, a dict that PyTorch keeps for Python.
KEY = "tracer.next"

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class _Remains:
    """The nodes that wait to be freed. They hold nothing that a dead graph would not have given back."""

    def __init__(self) -> None:
        self._waiting: deque[Any] = deque()
        self._freeing = False
        self._callback = _Callback(self._called)
        self._later = ctypes.pythonapi.Py_AddPendingCall
        self._later.argtypes = [_Callback, ctypes.c_void_p]

    def add(self, nodes: list[Any]) -> None:
        """Take over nodes from a dying one; they are freed by the main thread as soon as it runs Python again."""
        self._waiting.extend(nodes)
        nodes.clear()
        if not self._freeing:
            self._later(self._callback, None)

    def free(self) -> None:
        """Free what waits, one piece after the other."""
        if self._freeing:
            return
        self._freeing = True
        try:
            while self._waiting:
                self._waiting.popleft()
        finally:
            self._freeing = False

    def _called(self, _: object) -> int:
        if sys._getframe(1).f_code in _HANDING_OVER:
            # Too early: the dying node still holds the one handed over, and would free it from inside.
            self._later(self._callback, None)
        else:
            self.free()
        return 0


class _Tail:
    """Holds the nodes after the end of a piece, for as long as the node at its end lives."""

    __slots__ = ("nodes",)

    def __init__(self) -> None:
        self.nodes: list[Any] = []

    def __del__(self, remains: _Remains = _Remains()) -> None:  # noqa: B008 - one for all, still there at exit
        remains.add(self.nodes)


_HANDING_OVER = (_Remains.add.__code__, _Tail.__del__.__code__)


def part(node: Any, sequence: int, following: Any, next_sequence: int) -> None:
    """Let ``following``, the next node of ``node``, be freed on its own if a piece ends between the two.

    Numbers fall along every path, so no path within one piece has more nodes than the piece has numbers.
    """
    if sequence // PIECE != next_sequence // PIECE:
        tail = node.metadata.get(KEY)
        if tail is None:
            tail = node.metadata[KEY] = _Tail()
        tail.nodes.append(following)
