"""Whether a number read out at one place flows into a call at another: through names, returns and arguments.

Both places are stacks of the user's frames, innermost first. The answer rests on the source alone, so what
is found is probable, not proven.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType

from tracer.recording.places import Site, line_of
from tracer.recording.syntax import Scope, scopes_at
from tracer.recording.value_flow import RETURNED, Move, move_at, moves_of, reads_of, scope_at, spread

Stack = tuple[Site, ...]

#: Functions that are called under another name than their own.
_BY_OTHER_NAME = frozenset(("forward", "__call__", "__init__", "<lambda>"))


class Held:
    """The names that hold a value read out at one place, per function."""

    def __init__(self, stack: Stack) -> None:
        self.names: dict[int, set[str]] = {}
        self.attributes: set[str] = set()
        #: statements that contain the reading itself or a call that returned it
        self.moves: set[int] = set()
        self._spread: dict[tuple[int, frozenset[str]], set[str]] = {}
        for code, line in _lines(stack):
            scope = scope_at(code.co_filename, line)
            move = None if scope is None else move_at(scope, line)
            if scope is None or move is None:
                break
            self.moves.add(id(move.node))
            names = spread(scope, set(move.sets))
            self._hold(scope, code.co_filename, line, names)
            if RETURNED not in names:
                break

    def _hold(self, scope: Scope, filename: str, line: int, names: set[str]) -> None:
        self.names.setdefault(id(scope), set()).update(names)
        self.attributes.update(name for name in names if name.startswith("."))
        local = _bound(scope)
        free = {name for name in names if name not in local and not name.startswith((".", "<"))}
        for outer in scopes_at(filename, line):
            if free and outer is not scope:
                self.names.setdefault(id(outer), set()).update(free)

    def flows_into(self, stack: Stack) -> bool:
        """Tell whether the statement of the innermost frame reads one of the names."""
        passed: set[str] = set()
        lines = list(_lines(stack))[::-1]
        for i, (code, line) in enumerate(lines):
            scope = scope_at(code.co_filename, line)
            move = None if scope is None else move_at(scope, line)
            if scope is None or move is None:
                passed = set()
                continue
            names = self._in(scope, code.co_filename, line, passed)
            if i + 1 == len(lines):
                return bool(move.reads & names) or id(move.node) in self.moves
            passed = _passed(move, lines[i + 1][0], names) if names else set()
        return False

    def _in(self, scope: Scope, filename: str, line: int, passed: set[str]) -> set[str]:
        """Return the names of a function that hold the value, given those of its parameters that do."""
        names = passed | self.attributes
        for outer in scopes_at(filename, line):
            names |= self.names.get(id(outer), set())
        if not names:
            return names
        mark = (id(scope), frozenset(names))
        known = self._spread.get(mark)
        if known is None:
            known = self._spread[mark] = spread(scope, names)
        return known


def _lines(stack: Stack) -> Iterator[tuple[CodeType, int]]:
    """Yield (code, line) of each frame, comprehensions joined with the function that they stand in."""
    last = None
    for site in stack:
        code, line = site[0], line_of(site)
        scope = scope_at(code.co_filename, line)
        mark = (id(scope), line)
        if code.co_name in ("<listcomp>", "<genexpr>", "<setcomp>", "<dictcomp>") and mark == last:
            continue
        last = mark
        yield code, line


def _bound(scope: Scope) -> set[str]:
    """Return the names that are local to a function: its parameters and what it assigns as plain names."""
    if isinstance(scope, ast.Module):
        return set()
    kept = {
        node.id
        for move in moves_of(scope)
        for node in ast.walk(move.node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    arguments = scope.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return kept | {each.arg for each in every if each is not None}


def _passed(move: Move, inner: CodeType, names: set[str]) -> set[str]:
    """Return the parameters of the called function that take in one of ``names``."""
    count = inner.co_argcount + inner.co_kwonlyargcount
    parameters = list(inner.co_varnames[:count])
    rest = list(inner.co_varnames[count : count + 2])
    calls = [node for node in ast.walk(move.node) if isinstance(node, ast.Call) and _reads(node, names)]
    named = [call for call in calls if _called(call) == inner.co_name]
    if not named and inner.co_name not in _BY_OTHER_NAME:
        named = []
        return set(parameters + rest) if any(_hands_over(call) for call in calls) else set()
    shift = 1 if parameters[:1] in (["self"], ["cls"]) else 0
    found: set[str] = set()
    for call in named or calls:
        for i, argument in enumerate(call.args):
            if reads_of(argument) & names:
                found.update(parameters[i + shift : i + shift + 1] or rest)
        for keyword in call.keywords:
            if reads_of(keyword.value) & names:
                found.update([keyword.arg] if keyword.arg in parameters else rest)
    return found


def _reads(call: ast.Call, names: set[str]) -> bool:
    return any(reads_of(each) & names for each in (*call.args, *(k.value for k in call.keywords)))


def _hands_over(call: ast.Call) -> bool:
    """Tell whether a call takes a function to call (``checkpoint(block, x)``, ``map(score, rows)``)."""
    return len(call.args) > 1 and isinstance(call.args[0], (ast.Name, ast.Attribute))


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
