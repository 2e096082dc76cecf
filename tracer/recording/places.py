"""Source lines: from frames to place keys, cheaply while the program runs and in full when it ends.

A *site* is ``(code object, f_lasti)``: two attribute reads while hooks run. It becomes a line later.
"""

from __future__ import annotations

import linecache
import os
import sysconfig
from collections.abc import Callable
from types import CodeType, FrameType

from tracer.events import Event, PlaceSeen

Site = tuple[CodeType, int]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
#: Our own folders whose code is machinery; scenarios and rules are programs like the user's.
_MACHINERY = tuple(os.path.join(_PACKAGE, part) for part in ("recording", "commands", "integrations", "store"))
_OWN_FILES = tuple(os.path.join(_PACKAGE, part) for part in ("api.py", "trace.py", "__init__.py"))
_STDLIB = os.path.dirname(os.__file__) + os.sep
_SITE = tuple({sysconfig.get_path("purelib") + os.sep, sysconfig.get_path("platlib") + os.sep})
_LIBRARIES = ("torch", "numpy", "functorch", "click", "_pytest", "pluggy")

#: Functions of PyTorch that only stand between the user's call and the function meant.
_WRAPPERS = frozenset(
    (
        "<module>", "<listcomp>", "<genexpr>", "wrapper", "wrapped", "inner", "_fn", "_no_grad_wrapper",
        "_use_grad", "decorate_context", "profile_hook_step", "handle_torch_function", "__torch_function__",
    )
)  # fmt: skip

_by_file: dict[str, bool] = {}


def is_user_file(filename: str) -> bool:
    """Tell whether a file is the user's, rather than Python's, PyTorch's or ours."""
    known = _by_file.get(filename)
    if known is None:
        known = _by_file[filename] = _classify(filename)
    return known


def _classify(filename: str) -> bool:
    if filename.startswith("<frozen"):
        return False
    path = os.path.abspath(filename)
    if path.startswith(_MACHINERY) or path in _OWN_FILES:
        return False
    for site in _SITE:
        if path.startswith(site):
            return path[len(site) :].split(os.sep)[0] not in _LIBRARIES
    parts = path.split(os.sep)
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1] not in _LIBRARIES
    return not path.startswith(_STDLIB)


def user_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of the user's own code, or None."""
    known = _by_file
    while frame is not None:
        mine = known.get(frame.f_code.co_filename)
        if mine is None:
            mine = is_user_file(frame.f_code.co_filename)
        if mine:
            return frame
        frame = frame.f_back
    return None


def user_site(frame: FrameType | None) -> Site | None:
    """Return the site of the innermost frame of the user's own code, or None."""
    found = user_frame(frame)
    return None if found is None else (found.f_code, found.f_lasti)


def user_site_and_call(frame: FrameType | None) -> tuple[Site | None, str]:
    """Return the user's site and the name of the library function that it called (``zero_grad``)."""
    called = ""
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        if frame.f_code.co_name not in _WRAPPERS:
            called = frame.f_code.co_name
        frame = frame.f_back
    return (None if frame is None else (frame.f_code, frame.f_lasti)), called


def user_stack(frame: FrameType | None, limit: int = 12) -> tuple[Site, ...]:
    """Return the sites of the user's frames, innermost first."""
    sites: list[Site] = []
    while frame is not None and len(sites) < limit:
        if is_user_file(frame.f_code.co_filename):
            sites.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(sites)


def line_of(site: Site) -> int:
    """Return the source line of a site."""
    code, lasti = site
    if lasti < 0:
        return code.co_firstlineno
    for start, end, line in code.co_lines():
        if start <= lasti < end and line is not None:
            return line
    return code.co_firstlineno


class Places:
    """Hands out place keys and writes a ``PlaceSeen`` for each new one."""

    def __init__(self, emit: Callable[[Event], None], *, source: bool = True) -> None:
        self._emit = emit
        self._source = source
        self._start = os.getcwd()
        self._keys: dict[tuple[str, int, str], int] = {}
        self._by_site: dict[tuple[int, int], int] = {}
        self._codes: dict[int, CodeType] = {}  # keeps ids of code objects from being reused

    def key(self, site: Site | None) -> int | None:
        """Return the place key of a site; None stays None."""
        if site is None:
            return None
        mark = (id(site[0]), site[1])
        found = self._by_site.get(mark)
        if found is None:
            self._codes[id(site[0])] = site[0]
            name = getattr(site[0], "co_qualname", site[0].co_name)
            found = self._by_site[mark] = self.at(site[0].co_filename, line_of(site), name)
        return found

    def at(self, filename: str, line: int, function: str) -> int:
        """Return the place key of a file and line."""
        mark = (filename, line, function)
        found = self._keys.get(mark)
        if found is None:
            found = self._keys[mark] = len(self._keys)
            first = max(1, line - 1)
            code = self._lines(filename, first, line + 1)
            self._emit(PlaceSeen(found, self._shown(filename), line, function, code, first))
        return found

    def definition(self, code: CodeType) -> int:
        """Return the place key of a function's ``def`` line, past its decorators."""
        first = code.co_firstlineno
        for line in range(first, first + 12):
            if linecache.getline(code.co_filename, line).lstrip().startswith(("def ", "async def ")):
                first = line
                break
        return self.at(code.co_filename, first, getattr(code, "co_qualname", code.co_name))

    def _lines(self, filename: str, first: int, last: int) -> tuple[str, ...]:
        if not self._source:
            return ()
        lines = [linecache.getline(filename, number) for number in range(first, last + 1)]
        return tuple(line.rstrip("\n")[:300] for line in lines if line)

    def _shown(self, filename: str) -> str:
        if filename.startswith("<"):
            return filename
        path = os.path.abspath(filename)
        if path.startswith(self._start + os.sep):
            path = os.path.relpath(path, self._start)
        return path.replace(os.sep, "/")
