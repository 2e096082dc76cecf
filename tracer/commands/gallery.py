"""``tracer all``: every scenario, and an index page."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import click

from tracer.commands.options import make_folder, output_options, read_output
from tracer.commands.scenario import read_device, run_options, show_scenario
from tracer.commands.terminal import show_progress


@click.command("all")
@run_options
@output_options
def command(device: str, steps: int | None, seed: int, **given: Any) -> int:
    """Run every scenario and write an index page over them."""
    from tracer.scenarios import registry

    output = read_output(given)
    out = make_folder(output.out or Path("outputs"))
    where, names, status = read_device(device), registry.names(), 0
    for number, name in enumerate(names, 1):
        show_progress(f"[{number}/{len(names)}] {name}", quiet=output.quiet)
        if "text" in output.formats and not output.quiet:
            click.echo(f"\n== {name}: {registry.title(name)}")
        status = max(status, show_scenario(name, output, make_folder(out / name), where, steps, seed))
    index = write_index(out, [(name, registry.title(name)) for name in names])
    if not output.quiet:
        click.echo(f"wrote {index}", err=True)
    return status


def write_index(out: Path, rows: list[tuple[str, str]]) -> Path:
    """Write ``index.html`` over the scenarios' folders."""
    items = "\n".join(_entry(out, name, line) for name, line in rows)
    page = out / "index.html"
    page.write_text(_PAGE.replace("ITEMS", items), encoding="utf-8")
    return page


def _entry(out: Path, name: str, line: str) -> str:
    label, folder = html.escape(line), html.escape(name, quote=True)
    picture = ""
    if (out / name / "graph.svg").is_file():
        picture = f'<img src="{folder}/graph.svg" alt="Graph of {folder}" loading="lazy">'
    target = f"{folder}/report.html" if (out / name / "report.html").is_file() else f"{folder}/"
    return f'<li><a href="{target}"><h2>{folder}</h2>{picture}</a><p>{label}</p></li>'


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>How gradients accumulate: scenarios</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }
ul { list-style: none; padding: 0; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); }
li { border: 1px solid #8886; border-radius: 8px; padding: 1rem; }
h2 { font-size: 1rem; margin: 0 0 .5rem; }
img { width: 100%; height: 12rem; object-fit: contain; background: #fff; }
</style></head><body>
<h1>How gradients accumulate: scenarios</h1>
<p>Each is a small training run that goes right or wrong in one named way.
Open one for its table and picture.</p>
<ul>
ITEMS
</ul></body></html>
"""
