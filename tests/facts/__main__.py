"""``python -m tests.facts [GLOB...]``: do reports agree with plain PyTorch facts, for every scenario and case?

Each program runs twice, each time in a process of its own: under the observer, and under the tracer. The table
says how many parameters were compared, how many differ, and which were not compared and why. The status is 1
when anything differs.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from functools import partial
from multiprocessing.pool import AsyncResult
from pathlib import Path

import torch

from tests.facts import programs
from tests.facts.comparing import Outcome, compare
from tracer.scenarios import registry

#: (name, run under the observer, run under the tracer)
Job = tuple[str, Callable[[], programs.Facts], Callable[[], programs.Rows]]

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "tests/cases": ROOT / "tests" / "cases",
    "shared/cases": Path(os.environ.get("SHARED") or ROOT.parent / "shared") / "cases",
}
#: A program that takes longer, in seconds, is left out.
LIMIT = 120
#: What the programs would each import anew; the first optimizer that is made imports dynamo.
LOADED = ("torch._dynamo", "tracer.recording.session", "tracer.commands.run", "tracer.commands.results", "tracer.trace")


def scripts(folder: Path) -> list[Path]:
    """Return the programs of a folder of cases: those whose name begins with a number."""
    return sorted(folder.glob("[0-9]*.py"))


def main(globs: Sequence[str]) -> int:
    """Compare everything that matches, print what differs and then the table; return the exit status."""
    torch.set_num_threads(1)
    for module in LOADED:
        importlib.import_module(module)
    table: list[tuple[str, list[Outcome]]] = []
    # a forked process has it all imported already, and runs one program only
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        for kind, jobs in _kinds().items():
            wanted = [job for job in jobs if not globs or any(fnmatch(job[0], glob) for glob in globs)]
            started = [(name, pool.apply_async(seen), pool.apply_async(said)) for name, seen, said in wanted]
            table.append((kind, [_tell(name, _outcome(seen, said)) for name, seen, said in started]))
    _print(table)
    return int(any(outcome.wrong for _, outcomes in table for outcome in outcomes))


def _kinds() -> dict[str, list[Job]]:
    """Return the programs of each kind."""
    found: dict[str, list[Job]] = {
        "scenarios": [
            (name, partial(programs.facts_of_scenario, name), partial(programs.rows_of_scenario, name))
            for name in registry.names()
        ]
    }
    for kind, folder in FOLDERS.items():
        found[kind] = [
            (path.stem, partial(programs.facts_of_script, str(path)), partial(programs.rows_of_script, str(path)))
            for path in scripts(folder)
        ]
    return found


def _outcome(seen: AsyncResult[programs.Facts], said: AsyncResult[programs.Rows]) -> Outcome:
    """Wait for both runs of a program and compare them."""
    try:
        (facts, plain), (rows, traced) = seen.get(LIMIT), said.get(LIMIT)
    except Exception as error:
        return Outcome(wrong=[f"no result: {type(error).__name__}: {error}"])
    if plain or traced:
        return Outcome(left_out=Counter({f"the program ends with {plain or traced}": len(rows)}))
    return compare(rows, facts)


def _tell(name: str, outcome: Outcome) -> Outcome:
    for line in outcome.wrong:
        print(f"differs: {name}: {line}", flush=True)
    for reason, count in outcome.left_out.items():
        print(f"left out: {name}: {count} ({reason})", flush=True)
    return outcome


def _print(table: list[tuple[str, list[Outcome]]]) -> None:
    """Print a line per kind, then why parameters were left out."""
    print(f"\n{'':14}{'programs':>9}{'compared':>10}{'differences':>13}{'left out':>10}")
    reasons: Counter[str] = Counter()
    for kind, outcomes in table:
        compared, wrong = sum(o.compared for o in outcomes), sum(len(o.wrong) for o in outcomes)
        left_out = sum((o.left_out for o in outcomes), Counter[str]())
        reasons += left_out
        print(f"{kind:14}{len(outcomes):9}{compared:10}{wrong:13}{left_out.total():10}")
    for reason, count in reasons.most_common():
        print(f"left out {count}: {reason}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
