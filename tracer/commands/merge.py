"""``tracer merge``: the ranks of one job into one report, with what differs between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tracer.commands.judging import judging_options, read_judging
from tracer.commands.options import make_folder, output_options, read_output
from tracer.errors import UsageError


@click.command("merge")
@click.argument("traces", metavar="TRACE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@judging_options
@output_options
def command(traces: tuple[Path, ...], **given: Any) -> int:
    """Put the ranks of a job into one report.

    TRACE is a trace, the folder of a rank, the folder of a run, or that of an earlier merge.
    """
    from tracer.commands.results import print_files, print_table, status_of, write_formats
    from tracer.diagnosis.job import each_rank, merge_job
    from tracer.reports.writing import write_file
    from tracer.store.jsonl import FILE_NAME, save
    from tracer.store.ranks import GROUP_NAME

    output, judging = read_output(given), read_judging(given)
    if output.out is None:
        raise UsageError("merge needs --out DIR.", "Name the folder for the report.")
    out = make_folder(output.out)
    job = merge_job(each_rank(traces))
    report = judging.quieted(job.report)
    saved = save(job.trace, out / FILE_NAME)
    together = write_file(out / GROUP_NAME, job.group())
    files = [saved, together, *write_formats(job.trace, report, output, out)]
    print_table(report, output)
    print_files(files, output)
    return status_of(report, output.fail_on)
