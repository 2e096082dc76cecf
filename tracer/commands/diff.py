"""``tracer diff``: two traces side by side: what became better, what worse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tracer.commands.judging import judging_options, read_judging
from tracer.commands.terminal import say
from tracer.errors import UsageError

FORMATS = ("text", "html")


@click.command("diff")
@click.argument("before", metavar="A", type=click.Path(path_type=Path))
@click.argument("after", metavar="B", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for diff.html (default: tracer-diff).")
@click.option("--format", "formats", default="text", show_default=True, help="Comma list of text, html.")
@click.option("--fail-on", type=click.Choice(["worse", "never"]), default="never", show_default=True)
@click.option("--engine", help="Layout engine: dot or graphviz-pure (default: the first there is).")
@click.option("--depth", type=click.IntRange(min=0), help="Levels of modules that the pictures show.")
@judging_options
def command(
    before: Path,
    after: Path,
    out: Path | None,
    formats: str,
    fail_on: str,
    engine: str | None,
    depth: int | None,
    **given: Any,
) -> int:
    """Compare two traces: what became worse, what better."""
    from tracer.api import load
    from tracer.reports.changes import compare, lines

    wanted = _read_formats(formats, out)
    judging = read_judging(given)
    sides = [(trace, judging.diagnose(trace)) for trace in (load(before), load(after))]
    changes = compare(sides[0][1], sides[1][1])
    if "text" in wanted:
        for line in lines(changes):
            say(line)
    if "html" in wanted:
        from tracer.commands.options import make_folder
        from tracer.reports.comparison import render_diff
        from tracer.reports.writing import write_file

        page = render_diff(sides[0], sides[1], (str(before), str(after)), engine=engine, depth=depth)
        say(f"wrote {write_file(make_folder(out or Path('tracer-diff')) / 'diff.html', page)}", stderr=True)
    return int(fail_on == "worse" and bool(changes.of("worse")))


def _read_formats(formats: str, out: Path | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in formats.split(",") if name.strip()))
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        seen = f"there is no format {unknown[0]!r} for a diff." if unknown else "--format is empty."
        raise UsageError(seen, f"The formats are {', '.join(FORMATS)}.", slug="unknown-format")
    return (*names, "html") if out is not None and "html" not in names else names
