"""Follows results forward in the first steps: where was the value last used that a leaf helped to compute?

Autograd keeps edges towards the leaves only, and a result that is dropped takes its graph with it. So the
calls of the first steps are kept as bare integers (numbers of the nodes that went in and that were made), and
read once, when a step ends, for the leaves that no backward reached.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import OutputDropped
from tracer.recording.arguments import flat
from tracer.recording.dark import grad_fn_of
from tracer.recording.kinds import name_of
from tracer.recording.leaves import Leaf
from tracer.recording.places import Site, line_of
from tracer.recording.syntax import function_at, spans, statements
from tracer.recording.torch_compat import node_sequence

if TYPE_CHECKING:
    from tracer.recording.session import Session

#: Steps that are followed, and calls kept of each.
STEPS = 3
CALLS = 20_000
#: Nodes of one call that are followed.
NODES = 64
#: Callers through whose ``return`` a result is followed.
LEVELS = 6


class Flow:
    """Log of calls that made graph nodes: (function, stack, marks of arguments, first and last number made)."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.on = True
        self._calls: list[tuple[Any, tuple[Site, ...], tuple[int, ...], int, int, bool]] = []
        self._steps = 0
        #: leaf key -> (function name, stack, whether it gave a scalar) of the last call that a value from it went into
        self._last: dict[int, tuple[str, tuple[Site, ...], bool]] = {}

    def saw(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        out: Any,
        before: int,
        after: int,
        stack: tuple[Site, ...],
    ) -> None:
        """A call made the graph nodes from ``before`` up to ``after``; ``stack`` is the user's, innermost first."""
        if len(self._calls) < CALLS:
            scalar = isinstance(out, torch.Tensor) and out.dim() == 0
            self._calls.append((func, stack, _marks(args, kwargs), before, min(after, before + NODES), scalar))

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
            -1 - id(tensor): leaf.key
            for leaf, tensor in session.leaves.alive()
            if leaf.requires_grad and not leaf.accumulated and leaf.key not in session.backwards.reached
        }
        if missing:
            tainted: dict[int, frozenset[int]] = {mark: frozenset((key,)) for mark, key in missing.items()}
            for func, stack, arguments, first, last, scalar in self._calls:
                keys = frozenset().union(*(tainted[m] for m in arguments if m in tainted))
                if keys:
                    tainted.update((number, keys) for number in range(first, last))
                for key in keys:
                    self._last[key] = (name_of(func), stack, scalar)
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
            op, stack, scalar = last
            place = session.places.key(stack[0])
            session.emit(OutputDropped(session.step, leaf.key, place, op, self._left_out(stack), scalar))

    def _left_out(self, stack: tuple[Site, ...]) -> tuple[int, ...]:
        """Return where a result was received and left out, following it through ``return`` to its callers."""
        places = self.session.places
        end = next(
            (i for i, site in enumerate(stack) if not hands_on(site[0].co_filename, line_of(site))), len(stack) - 1
        )
        code = stack[end][0]
        name = getattr(code, "co_qualname", code.co_name)
        lines = lines_without(code.co_filename, line_of(stack[end]))
        received = [places.key(stack[end])] if end else []
        return tuple(
            p for p in (*received, *(places.at(code.co_filename, line, name) for line in lines)) if p is not None
        )


def _marks(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, ...]:
    """Return a mark for each argument with a gradient: the number of its node; below 0 the identity of a leaf.

    Numbers of nodes are never used twice, as identities of results are that were dropped.
    """
    found = []
    for thing in flat(args, kwargs):
        if isinstance(thing, torch.Tensor) and thing.requires_grad:
            node = grad_fn_of(thing)
            found.append(-1 - id(thing) if node is None else node_sequence(node))
    return tuple(found)


def hands_on(filename: str, line: int) -> bool:
    """Tell whether a function returns what a line computes: it is a ``return``, or all it assigns is returned."""
    function = function_at(filename, line)
    if function is None:
        return False
    body = list(statements(function))
    here = [node for node in body if spans(node, line)]
    if any(isinstance(node, ast.Return) for node in here):
        return True
    names = {name for node in here for name in _assigned(node)}
    returns = [node for node in body if isinstance(node, ast.Return) and node.lineno > line]
    used = {n.id for node in returns for n in ast.walk(node) if isinstance(n, ast.Name)}
    return bool(names) and names <= used


def lines_without(filename: str, line: int) -> tuple[int, ...]:
    """Return the lines at which a function drops the variable that ``line`` assigns.

    These are its ``return`` statements that do not mention the variable, and the next plain assignment that
    overwrites it unread. Empty where the source is not there or the line assigns no plain variable.
    """
    function = function_at(filename, line)
    if function is None:
        return ()
    body = list(statements(function))
    names = {name for node in body if spans(node, line) for name in _assigned(node)}
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


def _assigned(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and isinstance(node.target, ast.Name):
        yield node.target.id
