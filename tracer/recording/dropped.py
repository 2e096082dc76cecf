"""Follows results forward in the first steps: where was the value last used that a leaf helped to compute?

Autograd keeps edges towards the leaves only, and a result that is dropped takes its graph with it. So the
calls of the first steps are kept as bare integers (identities of arguments and result), and read once, when
a step ends, for the leaves that no backward reached.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import OutputDropped
from tracer.recording.kinds import name_of
from tracer.recording.leaves import Leaf
from tracer.recording.places import Site, line_of

if TYPE_CHECKING:
    from tracer.recording.session import Session

#: Steps that are followed, and calls kept of each.
STEPS = 3
CALLS = 50_000


class Flow:
    """Log of calls that made graph nodes: (function, site, identities of arguments, identities of results)."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.on = True
        self._calls: list[tuple[Any, Site, tuple[int, ...], tuple[int, ...]]] = []
        self._steps = 0
        #: leaf key -> (function name, site) of the last call that a value from it went into
        self._last: dict[int, tuple[str, Site]] = {}

    def saw(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, site: Site) -> None:
        """A call made graph nodes."""
        if len(self._calls) < CALLS:
            self._calls.append((func, site, _marks(args, kwargs), _marks((out,), {})))

    def step_ended(self) -> None:
        """Read the log of one step, then forget it."""
        if not self.on:
            return
        self._read()
        self._steps += 1
        if self._steps >= STEPS:
            self.on = False

    def _read(self) -> None:
        session = self.session
        missing = {
            id(tensor): leaf.key
            for leaf, tensor in session.leaves.alive()
            if leaf.requires_grad and not leaf.accumulated and leaf.key not in session.backwards.reached
        }
        if missing:
            tainted: dict[int, frozenset[int]] = {mark: frozenset((key,)) for mark, key in missing.items()}
            for func, site, arguments, results in self._calls:
                keys = frozenset().union(*(tainted[m] for m in arguments if m in tainted))
                for mark in results:
                    # An identity that returns with another value behind it loses its mark.
                    if keys:
                        tainted[mark] = keys
                    elif mark not in missing:
                        tainted.pop(mark, None)
                for key in keys:
                    self._last[key] = (name_of(func), site)
        self._calls.clear()

    def tell(self, leaves: list[Leaf]) -> None:
        """At the end: emit where the results of leaves that no backward ever reached were last used."""
        if self.on:
            self._read()
        session = self.session
        for leaf in leaves:
            last = self._last.get(leaf.key)
            if last is None or leaf.accumulated or leaf.key in session.backwards.reached:
                continue
            op, site = last
            filename, name = site[0].co_filename, getattr(site[0], "co_qualname", site[0].co_name)
            lines = lines_without(filename, line_of(site))
            places = tuple(session.places.at(filename, line, name) for line in lines)
            session.emit(OutputDropped(session.step, leaf.key, session.places.key(site), op, places))


def _marks(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, ...]:
    found = []
    for thing in (*args, *kwargs.values()) if kwargs else args:
        if isinstance(thing, torch.Tensor):
            found.append(id(thing))
        elif type(thing) in (list, tuple):
            found.extend(id(item) for item in thing[:256] if isinstance(item, torch.Tensor))
    return tuple(found)


def lines_without(filename: str, line: int) -> tuple[int, ...]:
    """Return the lines at which a function drops the variable that ``line`` assigns.

    These are its ``return`` statements that do not mention the variable, and the next plain assignment that
    overwrites it unread. Empty where the source is not there or the line assigns no plain variable.
    """
    tree = _tree(filename)
    function = None if tree is None else _function_at(tree, line)
    if function is None:
        return ()
    body = list(_statements(function))
    names = {name for node in body if _spans(node, line) for name in _assigned(node)}
    if not names:
        return ()
    found = []
    for node in body:
        if node.lineno <= line:
            continue
        used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        if isinstance(node, ast.Return) and not used & names:
            found.append(node.lineno)
        elif isinstance(node, ast.Assign) and set(_assigned(node)) & names and not used & names:
            found.append(node.lineno)
            break
    return tuple(found[:4])


@lru_cache(maxsize=64)
def _tree(filename: str) -> ast.Module | None:
    source = "".join(linecache.getlines(filename))
    try:
        return ast.parse(source) if source else None
    except (SyntaxError, ValueError, RecursionError):
        return None


def _function_at(tree: ast.Module, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    inside = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _spans(node, line)
    ]
    return max(inside, key=lambda node: node.lineno, default=None)


def _statements(function: ast.AST) -> Iterator[ast.stmt]:
    stack = list(reversed(getattr(function, "body", [])))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        children = [c for c in ast.iter_child_nodes(node) if isinstance(c, ast.stmt)]
        stack.extend(reversed(children))


def _spans(node: ast.AST, line: int) -> bool:
    return getattr(node, "lineno", 0) <= line <= (getattr(node, "end_lineno", 0) or 0)


def _assigned(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and isinstance(node.target, ast.Name):
        yield node.target.id
