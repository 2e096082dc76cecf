"""``python -m benchmarks.sweep``: trace what people train, compare with plain PyTorch, write two pages of docs/.

Every program trains a few steps twice, under an independent observer and under the tracer. Each fact of every
parameter must be PyTorch's own, no parameter that trains may raise an alarm, and the picture must be drawn.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import click

from benchmarks.architectures import architectures
from benchmarks.ecosystem import programs
from benchmarks.lora_mistakes import MISTAKES, Mistake, report_of, verdicts_of
from benchmarks.peft_methods import methods
from benchmarks.sweep_pages import ecosystem_page, transformers_page
from benchmarks.sweeping import Program, Row, sweep

DOCS = Path(__file__).resolve().parent.parent / "docs"


@click.command()
@click.option("--only", multiple=True, help="Only programs whose names match these patterns; writes no page.")
def main(only: tuple[str, ...]) -> None:
    """Trace tiny random models and write the tables."""
    warnings.simplefilter("ignore")
    models = [_tell(program) for program in architectures() if _wanted(program.name, only)]
    others = [_tell(program) for program in [*methods(), *programs()] if _wanted(program.name, only)]
    mistakes = [(one, _judge(one)) for one in MISTAKES if _wanted(one.name, only)]
    if not only:
        (DOCS / "transformers.md").write_text(transformers_page(models), encoding="utf-8")
        (DOCS / "ecosystem.md").write_text(ecosystem_page(others, mistakes), encoding="utf-8")
    failed = [row.name for row in [*models, *others] if row.error or row.wrong or row.false]
    failed += [one.name for one, right in mistakes if not right]
    total = len(models) + len(others) + len(mistakes)
    print(f"{total - len(failed)} of {total} as they should be")
    print(*failed, sep="\n")
    sys.exit(bool(failed))


def _wanted(name: str, only: tuple[str, ...]) -> bool:
    return not only or any(fnmatch(name, pattern) for pattern in only)


def _tell(program: Program) -> Row:
    """Sweep one program and print a line of it; one that does not run is a row too."""
    try:
        row = sweep(program)
    except Exception as problem:
        row = Row(program.name, program.family, Counter(), error=f"{type(problem).__name__}: {problem}".splitlines()[0])
    said = *row.wrong[:3], *row.false[:3], row.error
    print(f"{row.family}: {row.name}", dict(row.verdicts), *said, f"{row.seconds:.1f} s", flush=True)
    return row


def _judge(mistake: Mistake) -> bool:
    report = report_of(mistake)
    right = verdicts_of(report) == mistake.verdicts and mistake.code in {f.code for f in report.findings}
    print(f"LoRA: {mistake.name}", verdicts_of(report), "" if right else f"not {mistake.verdicts}, {mistake.code}")
    return right


if __name__ == "__main__":
    main()
