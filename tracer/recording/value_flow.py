"""Which names of a function hold a value that a given statement made: data flow over its syntax.

Names stand for whole variables, and the order of statements does not matter, so a loop-carried value is
followed too. An attribute is named ``.weights`` whatever object it belongs to. What flows by a condition
alone (``if loss.item() > 1``) is not followed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tracer.recording.syntax import Scope, scopes_at, statements

#: What a function hands to its caller.
RETURNED = "<return>"
#: Methods that put their arguments into the object they are called on.
_KEEPING = frozenset(("append", "extend", "add", "insert", "update", "appendleft", "put", "setdefault", "push", "fill"))


@dataclass(frozen=True, slots=True)
class Move:
    """One simple statement, or the head of a compound one: what it reads and which names it sets."""

    first: int
    last: int
    reads: frozenset[str]
    sets: frozenset[str]
    node: ast.AST


@lru_cache(maxsize=1024)
def moves_of(scope: Scope) -> tuple[Move, ...]:
    """Return the moves of a function (or module) in order of its statements."""
    found: list[Move] = []
    for node in statements(scope):
        found += _moves(node)
    return tuple(found)


def move_at(scope: Scope, line: int) -> Move | None:
    """Return the move that covers a line; the shortest where several do."""
    around = [move for move in moves_of(scope) if move.first <= line <= move.last]
    return min(around, key=lambda move: move.last - move.first, default=None)


def scope_at(filename: str, line: int) -> Scope | None:
    """Return the function around a line, else the module; None without source."""
    return next(iter(scopes_at(filename, line)), None)


def spread(scope: Scope, names: set[str]) -> set[str]:
    """Return ``names`` and all that is set from them in the function."""
    held = set(names)
    moves = moves_of(scope)
    grown = True
    while grown:
        grown = False
        for move in moves:
            if move.sets and not move.sets <= held and move.reads & held:
                held |= move.sets
                grown = True
    return held


def _moves(node: ast.stmt) -> Iterator[Move]:
    match node:
        case ast.Assign(targets=targets, value=value):
            yield _move(node, [value], targets)
        case ast.AugAssign(target=target, value=value):
            yield _move(node, [value, target], [target])
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield _move(node, [value], [target])
        case ast.For(target=target, iter=source) | ast.AsyncFor(target=target, iter=source):
            yield Move(node.lineno, _end(source), reads_of(source), _names_set([target]), source)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for item in items:
                bound = [] if item.optional_vars is None else [item.optional_vars]
                head = item.context_expr
                yield Move(head.lineno, _end(head), reads_of(head), _names_set(bound), head)
        case ast.If(test=test) | ast.While(test=test):
            yield Move(node.lineno, _end(test), reads_of(test), _walrus(test), test)
        case ast.Return(value=ast.expr() as value):
            yield Move(node.lineno, _end(node), reads_of(value), frozenset((RETURNED,)) | _walrus(value), node)
        case ast.Expr(value=value):
            yield Move(node.lineno, _end(node), reads_of(value), _kept(value) | _walrus(value), node)


def _move(node: ast.stmt, sources: list[ast.expr], targets: list[ast.expr]) -> Move:
    reads = frozenset().union(*(reads_of(each) for each in sources))
    inside = frozenset().union(*(_walrus(each) | _kept(each) for each in sources))
    return Move(node.lineno, _end(node), reads, _names_set(targets) | inside, node)


def _end(node: ast.AST) -> int:
    last: int | None = getattr(node, "end_lineno", None)
    return last if last is not None else 0


def reads_of(value: ast.AST) -> frozenset[str]:
    """Return the names that an expression reads; the name of a method that is called is none of them."""
    called = {id(node.func) for node in ast.walk(value) if isinstance(node, ast.Call)}
    names: set[str] = set()
    for node in ast.walk(value):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and id(node) not in called:
            names.add(f".{node.attr}")
    return frozenset(names)


def _names_set(targets: list[ast.expr]) -> frozenset[str]:
    return frozenset(name for target in targets for name in _holders(target))


def _holders(target: ast.AST) -> Iterator[str]:
    """Yield the variable or attribute that holds what is assigned to a target."""
    stack = [target]
    while stack:
        node = stack.pop()
        match node:
            case ast.Name(id=name):
                yield name
            case ast.Attribute(attr=name):
                yield f".{name}"
            case ast.Subscript(value=value) | ast.Starred(value=value):
                stack.append(value)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                stack.extend(items)


def _walrus(value: ast.AST) -> frozenset[str]:
    return frozenset(n.target.id for n in ast.walk(value) if isinstance(n, ast.NamedExpr))


def _kept(value: ast.AST) -> frozenset[str]:
    """Return what holds a value after a call that keeps it: ``rows.append(x)``, ``np.add(a, b, out=c)``."""
    names: set[str] = set()
    for node in ast.walk(value):
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            names.add(RETURNED)
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in _KEEPING:
                names.update(_holders(node.func.value))
            names.update(name for k in node.keywords if k.arg == "out" for name in _holders(k.value))
    return frozenset(names)
