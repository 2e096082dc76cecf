"""``tracer report``: a saved trace rendered again. Loads no torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracer.commands.judging import judging_options, read_judging
from tracer.commands.options import output_options, read_output

if TYPE_CHECKING:
    from tracer.traces import Trace


@click.command("report")
@click.argument("trace", type=click.Path(path_type=Path))
@judging_options
@output_options
def command(trace: Path, **given: Any) -> int:
    """Render a saved trace again, beside itself or in --out."""
    from tracer.commands.options import make_folder
    from tracer.commands.results import print_files, print_table, status_of, write_formats
    from tracer.store.jsonl import find_trace

    output, judging = read_output(given), read_judging(given)
    found, damage = read_what_is_there(trace)
    out = make_folder(output.out or find_trace(trace).parent)
    report = judging.diagnose(found)
    files = write_formats(found, report, output, out)
    print_table(report, output)
    print_files(files, output)
    if damage:
        print(f"tracer: {damage}", file=sys.stderr)
        return 2
    return status_of(report, output.fail_on)


def read_what_is_there(path: Path) -> tuple[Trace, str]:
    """Return a trace, and what is wrong with its file ("" when nothing is)."""
    from tracer.store.jsonl import DamagedTraceError, load

    try:
        return load(path), ""
    except DamagedTraceError as error:
        if not error.partial.events:
            raise
        return error.partial, str(error)
