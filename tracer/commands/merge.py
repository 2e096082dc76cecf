"""``tracer merge``: the ranks of one job into one folder, with what differs between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracer.commands.options import make_folder, output_options, read_output
from tracer.commands.terminal import say
from tracer.errors import UsageError

if TYPE_CHECKING:
    from tracer.diagnosis.findings import Report


@click.command("merge")
@click.argument("traces", metavar="TRACE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@output_options
def command(traces: tuple[Path, ...], **given: Any) -> int:
    """Put the ranks of a job into one folder; say where they differ."""
    from tracer.api import diagnose, load, merge
    from tracer.commands.results import print_files, save_trace, status_of, write_formats

    output = read_output(given)
    if output.out is None:
        raise UsageError("merge needs --out DIR.", "Name the folder for the ranks.")
    out = make_folder(output.out)
    found = merge(load(path) for each in traces for path in _ranks_in(each))
    reports = [diagnose(trace) for trace in found]
    files: list[Path] = []
    for trace, report in zip(found, reports, strict=True):
        saved = save_trace(trace, out)
        files += [saved, *write_formats(trace, report, output, saved.parent)]
    if not output.quiet:
        for line in compare_ranks(reports):
            say(line)
    print_files(files, output)
    return max(status_of(report, output.fail_on) for report in reports)


def _ranks_in(path: Path) -> list[Path]:
    """Return the traces under a run's folder, or the one trace that ``path`` is."""
    return sorted(path.glob("rank*/trace.jsonl.gz")) or [path]


def compare_ranks(reports: list[Report]) -> Iterator[str]:
    """Yield lines that say where the ranks agree, and each parameter where they do not."""
    verdicts: dict[str, dict[int, str]] = {}
    for report in reports:
        for row in report:
            verdicts.setdefault(report.name_of(row.leaf), {})[report.header.rank] = row.verdict
    ranks = [report.header.rank for report in reports]
    differing = {
        name: found for name, found in verdicts.items() if len(set(found.values())) > 1 or len(found) < len(ranks)
    }
    same = len(verdicts) - len(differing)
    yield f"{len(ranks)} rank(s): the verdict is the same on all for {same} parameter(s)"
    for name, found in sorted(differing.items()):
        yield f"  {name}: " + ", ".join(f"rank {rank} {found.get(rank, 'absent')}" for rank in ranks)
    for note in dict.fromkeys(note for report in reports for note in report.notes):
        yield f"note: {note}"
