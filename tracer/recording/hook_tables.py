"""Hooks beside PyTorch's global ones that can come and go while other threads work.

PyTorch goes through a table of global hooks while they run, and raises in that thread when another one puts a hook in
or takes one out. So its table is left as it is: while recordings run, a ``HookTable`` stands in its place, which
gives out what it holds as a finished tuple.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

Hook = Callable[..., Any]

#: Every table ever replaced, kept for good: handles of hooks that the user registered meanwhile know it only weakly.
_tables: list[HookTable] = []
_lock = threading.Lock()
#: Keys of our hooks; PyTorch's own count up from 0.
_keys = itertools.count(-1, -1)


class HookTable(MutableMapping[int, Hook]):
    """PyTorch's table, which the user's hooks go into as ever, followed by our hooks.

    Args:
        owner: the module of PyTorch that looks the table up.
        name: under which name.
    """

    def __init__(self, owner: Any, name: str) -> None:
        self.owner = owner
        self.name = name
        self.real: MutableMapping[int, Hook] = getattr(owner, name)
        self._ours: dict[int, Hook] = {}

    def put(self, key: int, hook: Hook) -> None:
        self._ours[key] = hook
        setattr(self.owner, self.name, self)

    def take_out(self, key: int) -> None:
        self._ours.pop(key, None)
        if not self._ours and getattr(self.owner, self.name) is self:
            setattr(self.owner, self.name, self.real)

    # ------------------------------------------------------------------ what PyTorch reads

    def values(self) -> Any:
        return (*self.real.values(), *self._ours.values())

    def items(self) -> Any:
        return (*self.real.items(), *self._ours.items())

    def __iter__(self) -> Iterator[int]:
        return iter((*self.real, *self._ours))

    def __len__(self) -> int:
        return len(self.real) + len(self._ours)

    def __getitem__(self, key: int) -> Hook:
        return self._ours[key] if key in self._ours else self.real[key]

    # ------------------------------------------------------------------ what the user does meanwhile

    def __setitem__(self, key: int, hook: Hook) -> None:
        self.real[key] = hook

    def __delitem__(self, key: int) -> None:
        del self.real[key]


class Handle:
    """Takes a hook out again."""

    def __init__(self, table: HookTable, key: int) -> None:
        self.table = table
        self.id = key

    def remove(self) -> None:
        with _lock:
            self.table.take_out(self.id)


def put(owner: Any, name: str, hook: Hook) -> Handle:
    """Let PyTorch run ``hook`` after those of its table ``owner.name``; other threads may be going through it."""
    with _lock:
        current = getattr(owner, name)
        known = [t for t in _tables if t is current or (t.real is current and t.name == name)]
        if not known:
            known = [HookTable(owner, name)]
            _tables.extend(known)
        handle = Handle(known[0], next(_keys))
        handle.table.put(handle.id, hook)
    return handle
