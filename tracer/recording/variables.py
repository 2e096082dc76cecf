"""What the user's program calls its models, optimizers and tensors: variable names, read from its frames."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from tracer.recording.places import is_user_file

#: Variables looked at per frame, and attributes per object.
SEEN = 2_000


def names_of(wanted: Mapping[int, Any], frame: FrameType | None) -> dict[int, str]:
    """Return names for objects, by ``id``: outermost frame first, plain variables before attributes.

    An attribute of an object in a variable is named with it (``run.net``); ``self.net`` of an object that no
    variable holds is ``net``.
    """
    frames: list[FrameType] = []
    while frame is not None and len(frames) < 60:
        if is_user_file(frame.f_code.co_filename):
            frames.append(frame)
        frame = frame.f_back
    found: dict[int, str] = {}
    late: dict[int, str] = {}
    for at in reversed(frames):
        scope = _scope(at)
        for name, value in list(scope.items())[:SEEN]:
            _name(name, value, wanted, found, late)
        if at.f_code.co_name != "<module>" and sys.version_info < (3, 13) and sys.gettrace() is None:
            scope.clear()  # the snapshot would keep the user's tensors alive
    return {**late, **found}


def _scope(frame: FrameType) -> dict[str, Any]:
    return frame.f_globals if frame.f_code.co_name == "<module>" else frame.f_locals


def _name(name: str, value: Any, wanted: Mapping[int, Any], found: dict[int, str], late: dict[int, str]) -> None:
    if name.startswith("__") or name == "_":
        return
    if id(value) in wanted:
        if name != "self":
            found.setdefault(id(value), name)
        return
    for path, thing in _members(name, value):
        if id(thing) in wanted:
            late.setdefault(id(thing), path.removeprefix("self."))


def _members(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (list, tuple)) and len(value) <= 256:
        for i, item in enumerate(value):
            yield f"{name}[{i}]", item
        return
    if isinstance(value, dict) and len(value) <= 256:
        for key, item in value.items():
            if isinstance(key, str):
                yield f"{name}[{key!r}]", item
        return
    inside = getattr(value, "__dict__", None)
    module = type(value).__module__ or ""
    if isinstance(inside, dict) and not isinstance(value, type) and module.split(".")[0] not in ("torch", "numpy"):
        for attribute, item in list(inside.items())[:SEEN]:
            if attribute == "_modules" and isinstance(item, dict):
                for child, module_ in item.items():
                    yield f"{name}.{child}", module_
            elif attribute == "_parameters" and isinstance(item, dict):
                for child, parameter in item.items():
                    yield f"{name}.{child}", parameter
            else:
                yield f"{name}.{attribute}", item
