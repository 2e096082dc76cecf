"""``tracer explain``: everything known about one parameter, with its path and the source lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracer.commands.judging import judging_options, read_judging
from tracer.commands.terminal import say

if TYPE_CHECKING:
    from tracer.diagnosis.findings import ParameterReport, Report, Where
    from tracer.traces import Trace


_LINE = 70  #: characters of numbers on one line


@click.command("explain")
@click.argument("trace", type=click.Path(path_type=Path))
@click.argument("param")
@judging_options
def command(trace: Path, param: str, **given: Any) -> int:
    """Tell everything that a trace knows about one parameter."""
    from tracer.api import load

    judging = read_judging(given)
    found = load(trace)
    report = judging.diagnose(found)
    row = report[param]
    for line in explain(found, report, row):
        say(line)
    return 0


def explain(trace: Trace, report: Report, row: ParameterReport) -> Iterator[str]:
    """Yield the lines of the explanation: verdict, facts, the gradient's path, source lines, other findings."""
    from tracer.reports.route import route_lines

    yield f"{report.name_of(row.leaf)}: {row.verdict} ({row.severity}, {row.confidence})"
    yield f"  {row.message}"
    if row.fix:
        yield f"  Fix: {row.fix}"
    yield ""
    yield from _facts(row)
    yield from route_lines(trace, report, row)
    for where in row.where:
        yield from _place(where)
    others = [f for f in report.findings if row.leaf in f.parameters and f.name != row.verdict]
    for finding in others:
        yield ""
        yield f"also {finding.code} {finding.name} ({finding.severity}): {finding.message}"
        if finding.fix:
            yield f"  Fix: {finding.fix}"
        for where in finding.where:
            yield from _place(where)
    for note in report.notes:
        yield ""
        yield f"note: {note}"


def _facts(row: ParameterReport) -> Iterator[str]:
    shape = " x ".join(map(str, row.shape)) or "scalar"
    yield f"  model           {row.model}" + (f" (also {', '.join(row.aliases)})" if row.aliases else "")
    yield f"  tensor          {shape}, {row.dtype}, {row.device}"
    yield f"  requires_grad   {row.requires_grad}"
    owners = [f"{o.name} ({o.cls}, group {o.group}, lr {_number(o.lr)})" for o in row.optimizers]
    yield f"  optimizers      {', '.join(owners) or 'none'}"
    yield f"  accumulated     {row.grad.accumulated} time(s)"
    if row.grad.norm is not None:
        share = "" if row.grad.zero_share is None else f", {row.grad.zero_share:.1%} of it zero"
        yield f"  gradient norm   {_number(row.grad.norm)}{share}"
    if row.grad.values is not None:
        yield f"  gradient        {_few(row.grad.values)}"
    yield f"  value           {_change(row)}"
    if row.value.before is not None:
        yield f"    before        {_few(row.value.before)}"
        yield f"    after         {_few(row.value.after)}"


def _few(values: object) -> str:
    """Return nested numbers in few digits, cut where a line gets long; ``report.json`` has all of them."""
    text = _digits(values)
    return text if len(text) <= _LINE else f"{text[:_LINE].rpartition(',')[0]}, ... (all in report.json)"


def _digits(values: object) -> str:
    if isinstance(values, list | tuple):
        return f"[{', '.join(map(_digits, values))}]"
    return f"{values:.4g}" if isinstance(values, float) else str(values)


def _change(row: ParameterReport) -> str:
    value = row.value
    if value.changed is None:
        return "not compared"
    if not value.changed:
        return f"unchanged over {value.steps} step(s)"
    by = f" by {value.changed_by}" if value.changed_by else ""
    size = "" if value.update_norm is None else f", last update {_number(value.update_norm)}"
    return f"changed{by}{size}"


def _place(where: Where) -> Iterator[str]:
    from tracer.reports.words import dedented

    role = f" [{where.role}]" if where.role else ""
    op = f": {where.op}" if where.op else ""
    yield ""
    yield f"  {where.file}:{where.line} in {where.function}{op}{role}"
    for offset, code in enumerate(dedented(where.code)):
        number = where.first + offset
        yield f"  {'>' if number == where.line else ' '} {number:>5} | {code}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
