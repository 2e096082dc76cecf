"""``tracer all``: every scenario, and an index page."""

from __future__ import annotations

from dataclasses import replace
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
    each = replace(output, quiet=True)  # their tables lie in their folders
    reports: dict[str, Report] = {}
    for number, name in enumerate(names, 1):
        show_progress(f"[{number}/{len(names)}] {name}", quiet=output.quiet)
        reports[name] = show_scenario(name, each, make_folder(out / name), where, steps, seed)
    unlike = [name for name, report in reports.items() if not _as_expected(name, report)]
    index = write_index(out, reports)
    if not output.quiet:
        _print_answers(reports, unlike)
        click.echo(f"wrote {index}", err=True)
    return max(status_of(report, output.fail_on) for report in reports.values())


def _as_expected(name: str, report: Report) -> bool:
    """Tell whether each parameter has the verdict that the scenario says: with its own steps and seed 0."""
    from tracer.scenarios import registry

    expected: dict[str, str] = registry.load(name).EXPECTED
    return {report.name_of(row.leaf): row.verdict for row in report} == expected


def _print_answers(reports: dict[str, Report], unlike: list[str]) -> None:
    """Print one line for each scenario, and whether the verdicts are those that the scenarios say."""
    from tracer.reports.words import answer

    width = max(map(len, reports))
    for name, report in reports.items():
        click.echo(f"{name:<{width}}  {answer(report)}")
    if unlike:
        click.echo(f"not as they say, with these steps and this seed: {', '.join(unlike)}")
    else:
        click.echo(f"{len(reports)} scenarios: every parameter has the verdict that its scenario says")


def write_index(out: Path, reports: dict[str, Report]) -> Path:
    """Write ``index.html`` over the scenarios' folders, chapter by chapter."""
    from tracer.reports.gallery import Chapter, Entry, render
    from tracer.reports.writing import write_file
    from tracer.scenarios import registry

    def entry(name: str) -> Entry:
        first, code = registry.program(name)
        files = (("full report", "report.html"), ("as text", "report.txt"))
        links = tuple((label, f"{name}/{file}") for label, file in files if (out / name / file).is_file())
        file = registry.source(name).name
        return Entry(name, registry.text(name), code, first, file, reports[name], _pictures(out, name), links)

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
