"""``tracer all``: every scenario, and an index page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracer.commands.options import make_folder, output_options, read_output
from tracer.commands.scenario import read_device, run_options, show_scenario
from tracer.commands.terminal import show_progress

if TYPE_CHECKING:
    from tracer.diagnosis.findings import Report


@click.command("all")
@run_options
@output_options
def command(device: str, steps: int | None, seed: int, **given: Any) -> int:
    """Run every scenario and write an index page over them."""
    from tracer.commands.results import status_of
    from tracer.scenarios import registry

    output = read_output(given)
    out = make_folder(output.out or Path("outputs"))
    where, names = read_device(device), registry.names()
    reports: dict[str, Report] = {}
    for number, name in enumerate(names, 1):
        show_progress(f"[{number}/{len(names)}] {name}", quiet=output.quiet)
        if "text" in output.formats and not output.quiet:
            click.echo(f"\n== {name}: {registry.title(name)}")
        reports[name] = show_scenario(name, output, make_folder(out / name), where, steps, seed)
    index = write_index(out, reports)
    if not output.quiet:
        click.echo(f"wrote {index}", err=True)
    return max(status_of(report, output.fail_on) for report in reports.values())


def write_index(out: Path, reports: dict[str, Report]) -> Path:
    """Write ``index.html`` over the scenarios' folders, chapter by chapter."""
    from tracer.reports.gallery import Chapter, Entry, render
    from tracer.reports.writing import write_file
    from tracer.scenarios import registry

    def entry(name: str) -> Entry:
        first, code = registry.program(name)
        link = f"{name}/report.html" if (out / name / "report.html").is_file() else ""
        file = registry.source(name).name
        return Entry(name, registry.text(name), code, first, file, reports[name], _pictures(out, name), link)

    chapters = [
        Chapter(title, text, tuple(entry(name) for name in reports if registry.chapter(name) == title))
        for title, text in registry.INTRODUCTIONS.items()
    ]
    return write_file(out / "index.html", render(chapters))


def _pictures(out: Path, name: str) -> tuple[tuple[str, str], ...]:
    """Return address and caption of each picture: of the parts, where a scenario is made of several."""
    from tracer.scenarios import registry

    parts: tuple[str, ...] = getattr(registry.load(name), "SIDE_BY_SIDE", ())
    asked = [(f"{name}/{part}/graph.svg", part) for part in parts] or [(f"{name}/graph.svg", "")]
    return tuple((address, caption) for address, caption in asked if (out / address).is_file())
