"""Which names hold a value, by the syntax of a function."""

from __future__ import annotations

import ast
import textwrap

import pytest

from tracer.recording.value_flow import RETURNED, move_at, moves_of, spread


def scope(source: str) -> ast.FunctionDef:
    body = ast.parse(textwrap.dedent(source).lstrip()).body[0]
    assert isinstance(body, ast.FunctionDef)
    return body


def held(source: str, line: int) -> set[str]:
    """Return what holds the value made at a line (1 is the ``def``)."""
    function = scope(source)
    move = move_at(function, line)
    assert move is not None
    return spread(function, set(move.sets))


def test_a_value_spreads_through_assignments_and_returns() -> None:
    source = """
        def f(x):
            a = x.item()
            b = a * 2
            c = x + 1
            return b
    """
    assert held(source, 2) == {"a", "b", RETURNED}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rows.append(a)", "rows"),
        ("table['k'] = a", "table"),
        ("self.seen = a", ".seen"),
        ("self.seen['k'] += a", ".seen"),
        ("np.add(a, 1, out=buffer)", "buffer"),
        ("first, *rest = a, 2", "rest"),
        ("for each in a: pass", "each"),
        ("with open(a) as stream: pass", "stream"),
        ("(late := a)", "late"),
    ],
)
def test_what_keeps_a_value_holds_it(line: str, expected: str) -> None:
    assert expected in held(f"def f(self, x, rows, table, buffer):\n    a = x.item()\n    {line}\n", 2)


@pytest.mark.parametrize("line", ["print(a)", "self.log('loss', a)", "if a > 1:\n        b = 2", "b = x.a()", "b = x"])
def test_what_only_looks_at_a_value_does_not_hold_it(line: str) -> None:
    assert held(f"def f(self, x):\n    a = x.item()\n    {line}\n", 2) == {"a"}


def test_a_value_carried_round_a_loop_is_followed_backwards() -> None:
    source = """
        def f(xs):
            old = 0.0
            for x in xs:
                y = x * old
                old = x.item()
    """
    assert held(source, 5) == {"old", "y"}


def test_a_yield_hands_the_value_over() -> None:
    assert RETURNED in held("def f(x):\n    a = x.item()\n    yield a\n", 2)


def test_statements_inside_other_functions_are_not_ours() -> None:
    function = scope("def f(x):\n    def g(y):\n        z = y\n    return g(x)\n")
    assert {name for move in moves_of(function) for name in move.sets} == {RETURNED}
