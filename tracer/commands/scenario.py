"""``tracer SCENARIO``: a small training run that goes right or wrong in one named way."""

from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from tracer.commands.options import Output, make_folder, output_options, read_output
from tracer.commands.terminal import open_console
from tracer.errors import UsageError

if TYPE_CHECKING:
    from tracer.diagnosis.findings import Report
    from tracer.traces import Trace

#: Columns of a side-by-side, which has a column for each report.
_WIDE = 140


def scenario_command(name: str) -> click.Command:
    """Return the command that runs the scenario called ``name``.

    Raises:
        UsageError: when there is none, with the nearest names.
    """
    from tracer.commands import COMMANDS
    from tracer.commands.names import near_names
    from tracer.commands.results import status_of
    from tracer.scenarios import registry

    if name not in registry.names():
        hint = near_names(name, [*registry.names(), *COMMANDS], "'tracer list' shows all scenarios.")
        raise UsageError(f"there is no scenario or command {name!r}.", hint, slug="unknown-scenario")

    @click.command(name, help=registry.text(name))
    @run_options
    @output_options
    def command(device: str, steps: int | None, seed: int, **given: Any) -> int:
        output = read_output(given)
        out = make_folder(output.out or Path("outputs", name))
        report = show_scenario(name, output, out, read_device(device), steps, seed)
        return status_of(report, output.fail_on)

    return command


def run_options(command: Any) -> Any:
    """Add the options of the commands that run scenarios."""
    command = click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))(command)
    command = click.option("--steps", type=click.IntRange(min=1), help="Optimizer steps (default: its own).")(command)
    kinds = click.Choice(["auto", "cpu", "cuda"])
    return click.option("--device", default="auto", type=kinds, show_default=True)(command)


def read_device(name: str) -> str:
    """Return "cpu" or "cuda".

    Raises:
        UsageError: when CUDA is asked for and is not there.
    """
    if name == "cpu":
        return name
    import torch

    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        built = "finds no CUDA device" if torch.version.cuda else "is built without CUDA"
        raise UsageError(f"PyTorch {torch.__version__} {built}.", "Use --device cpu.", slug="no-cuda")
    return "cuda" if there else "cpu"


def show_scenario(name: str, output: Output, out: Path, device: str, steps: int | None, seed: int) -> Report:
    """Run, print and write one scenario; return its report."""
    from tracer.commands.results import print_files, print_table
    from tracer.scenarios import registry

    parts: tuple[str, ...] = getattr(registry.load(name), "SIDE_BY_SIDE", ())
    sides = {part: _record(part, device, steps, seed) for part in parts}
    for part, (trace, report) in sides.items():
        _write(trace, report, output, make_folder(out / part))
    more = {"side_by_side": _comparison(sides, output)} if sides and "html" in output.formats else {}
    trace, report = _record(name, device, steps, seed)
    files = _write(trace, report, output, out, **more)
    if sides:
        files += _compare({part: report for part, (_, report) in sides.items()}, output, out)
    else:
        print_table(report, output)
    print_files(files, output)
    return report


def _record(name: str, device: str, steps: int | None, seed: int) -> tuple[Trace, Report]:
    from tracer.api import diagnose

    trace = record_scenario(name, device, steps, seed)
    return trace, diagnose(trace)


def _write(trace: Trace, report: Report, output: Output, out: Path, **more: Any) -> list[Path]:
    from tracer.commands.results import save_trace, write_formats

    saved = save_trace(trace, out)
    return [saved, *write_formats(trace, report, output, saved.parent, **more)]


def _comparison(sides: dict[str, tuple[Trace, Report]], output: Output) -> Any:
    """Return what the page shows of several runs, each with a link to its own page."""
    from tracer.reports.comparison import Comparison

    links = {part: f"{part}/report.html" for part in sides}
    return Comparison(sides, links=links, engine=output.engine, depth=output.depth)


def _compare(reports: dict[str, Report], output: Output, out: Path) -> list[Path]:
    """Set several reports side by side: on the terminal, and as ``side_by_side.txt``."""
    from tracer.reports.side_by_side import print_side_by_side
    from tracer.reports.text import plain_console
    from tracer.reports.writing import write_file

    if "text" not in output.formats:
        return []
    if not output.quiet:
        print_side_by_side(reports, open_console(output.color, width=_WIDE))
    page = io.StringIO()
    print_side_by_side(reports, plain_console(page, _WIDE))
    return [write_file(out / "side_by_side.txt", page.getvalue())]


def record_scenario(name: str, device: str, steps: int | None, seed: int) -> Trace:
    """Run one scenario under the recorder."""
    import torch

    from tracer.recording.session import Session
    from tracer.scenarios import registry

    module: ModuleType = registry.load(name)
    given = {} if steps is None else {"steps": steps}
    torch.manual_seed(seed)
    session = Session(None, None, detail="flow", values=True, program=name)
    with session:
        module.run(torch, torch.device(device), seed=seed, **given)
    return session.trace
