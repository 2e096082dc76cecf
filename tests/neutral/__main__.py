"""``python -m tests.neutral [KIND...]``: does tracing change anything, for all that PyTorch tests itself with?

Every module, optimizer and op of PyTorch's databases runs untraced and under ``detail="full"``; the table says
how many ran, how many differ, and why any was left out. The kind "fault" makes each function of the recorder
fail in turn, at its first call and later. The status is 1 when anything differs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

import torch

from tests.neutral.databases import Case, cases
from tests.neutral.faults import callables, program, survive
from tests.neutral.observing import flatten, observe, repeats, seed

KINDS = ("module", "optimizer", "op", "fault")
#: What differs is run so often, two by two, untraced: some results hang on where their memory lies.
REPEATS = 4
#: A fault begins at these calls of a function.
AFTER = (0, 1, 3, 10)


def check(case: Case, detail: str = "full") -> tuple[str, str]:
    """Return ("equal" | "differs" | "left out", why)."""
    if case.skipped:
        return "left out", case.skipped
    plain = observe(case.program)
    if "error" in plain:
        return "left out", f"it raises untraced: {plain['error']}"
    traced = observe(case.program, detail)
    found = [label for label in {**plain, **traced} if plain.get(label) != traced.get(label)]
    if not found:
        return "equal", ""
    if not all(repeats(case.program) for _ in range(REPEATS)):
        return "left out", "two untraced runs differ from each other"
    return "differs", ", ".join(found[:4])


def main(kinds: Sequence[str]) -> int:
    """Run the databases, print what is not equal and then the table; return the exit status."""
    torch.set_num_threads(1)
    rows = []
    for kind in kinds or KINDS:
        started = time.monotonic()
        results = list(_faults() if kind == "fault" else _database(kind))
        rows.append((kind, results, time.monotonic() - started))
    print(f"\n{'':12}{'ran':>6}{'equal':>7}{'differ':>8}{'left out':>10}{'seconds':>9}")
    for kind, results, seconds in rows:
        count = [sum(result == wanted for _, result, _ in results) for wanted in ("equal", "differs", "left out")]
        print(f"{kind + 's':12}{count[0] + count[1]:6}{count[0]:7}{count[1]:8}{count[2]:10}{seconds:9.0f}")
    return int(any(result == "differs" for _, results, _ in rows for _, result, _ in results))


def _database(kind: str) -> Iterator[tuple[str, str, str]]:
    """Yield (name, result, why) for each entry of a database."""
    for case in cases(kind):
        yield _tell(kind, case.name, *check(case))


def _faults() -> Iterator[tuple[str, str, str]]:
    seed(0)
    expected = flatten(program())
    for label, places in callables().items():
        for after in AFTER:
            why = survive(places, after, expected)
            yield _tell("fault", f"{label} at call {after + 1}", "differs" if why else "equal", why)


def _tell(kind: str, name: str, result: str, why: str) -> tuple[str, str, str]:
    if result != "equal":
        print(f"{result}: {kind} {name}: {why}", flush=True)
    return name, result, why


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
