"""The user's source as syntax: which function and which statement a line belongs to. Read once per file."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


@lru_cache(maxsize=64)
def tree_of(filename: str) -> ast.Module | None:
    """Return the syntax tree of a file; None where the source is not there or does not parse."""
    source = "".join(linecache.getlines(filename))
    try:
        return ast.parse(source) if source else None
    except (SyntaxError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=4096)
def scopes_at(filename: str, line: int) -> tuple[Scope, ...]:
    """Return the functions around a line, innermost first, and last the module."""
    tree = tree_of(filename)
    if tree is None:
        return ()
    inside: list[Scope] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _around(node, line)
    ]
    return (*sorted(inside, key=lambda node: -getattr(node, "lineno", 0)), tree)


def _around(node: Function, line: int) -> bool:
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return first <= line <= (node.end_lineno or 0)


def function_at(filename: str, line: int) -> Function | None:
    """Return the innermost function around a line."""
    first = next(iter(scopes_at(filename, line)), None)
    return None if isinstance(first, ast.Module) else first


def statements(scope: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements of a function or module in order, those inside loops and branches too.

    Functions and classes defined inside are yielded themselves; their bodies are not.
    """
    stack = list(reversed(getattr(scope, "body", [])))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        stack.extend(reversed(list(_inner(node))))


def _inner(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements directly inside a compound one; handlers and cases stand for their bodies."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, (ast.ExceptHandler, ast.match_case)):
            yield from child.body


def spans(node: ast.AST, line: int) -> bool:
    """Tell whether a node covers a line."""
    return getattr(node, "lineno", 0) <= line <= (getattr(node, "end_lineno", 0) or 0)
