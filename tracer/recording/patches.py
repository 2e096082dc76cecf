"""Attributes of PyTorch that a recording replaces: put back as they were, in whatever order recordings end."""

from __future__ import annotations

import functools
from typing import Any

#: (owner, attribute, replacement)
Patch = tuple[Any, str, Any]
#: A class did not have the attribute itself.
_ABSENT = object()

#: id of a replacement that others still stand on although its recording has ended -> (itself, what it replaced)
_retired: dict[int, tuple[Any, Any]] = {}


class Patches:
    """What one recording replaced.

    A replacement calls what it found in its place. A later recording, or a patch of the user's, may stand on it:
    then it stays as a bare passage until nothing stands on it.
    """

    def __init__(self) -> None:
        self._put: list[tuple[Any, str, Any, Any]] = []

    def put(self, patch: Patch) -> None:
        """Replace one attribute; ``inspect`` sees the signature of what was there."""
        owner, name, replacement = patch
        original = _read(owner, name)
        if original is not _ABSENT:
            functools.update_wrapper(_function(replacement), _function(original))
        setattr(owner, name, replacement)
        self._put.append((owner, name, replacement, original))

    def take_off(self) -> None:
        """Put back what was there before, newest first."""
        while self._put:
            owner, name, replacement, original = self._put.pop()
            if _read(owner, name) is replacement:
                _write(owner, name, _alive(original))
            else:
                _retired[id(replacement)] = (replacement, original)


def _read(owner: Any, name: str) -> Any:
    # from a class as it stands there: a plain read would bind it
    return vars(owner).get(name, _ABSENT) if isinstance(owner, type) else getattr(owner, name)


def _write(owner: Any, name: str, thing: Any) -> None:
    if thing is _ABSENT:
        delattr(owner, name)
    else:
        setattr(owner, name, thing)


def _function(thing: Any) -> Any:
    return thing.__func__ if isinstance(thing, (staticmethod, classmethod)) else thing


def _alive(original: Any) -> Any:
    """Return what stands below, past the replacements of recordings that have ended."""
    while id(original) in _retired:
        original = _retired.pop(id(original))[1]
    return original
