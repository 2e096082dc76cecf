"""``tracer SCENARIO``: a small training run that goes right or wrong in one named way."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from tracer.commands.options import Output, make_folder, output_options, read_output
from tracer.errors import UsageError

if TYPE_CHECKING:
    from tracer.traces import Trace


def scenario_command(name: str) -> click.Command:
    """Return the command that runs the scenario called ``name``.

    Raises:
        UsageError: when there is none, with the nearest names.
    """
    from tracer.commands import COMMANDS
    from tracer.commands.names import near_names
    from tracer.scenarios import registry

    if name not in registry.names():
        hint = near_names(name, [*registry.names(), *COMMANDS], "'tracer list' shows all scenarios.")
        raise UsageError(f"there is no scenario or command {name!r}.", hint, slug="unknown-scenario")

    @click.command(name, help=inspect.cleandoc(registry.load(name).__doc__ or ""))
    @run_options
    @output_options
    def command(device: str, steps: int | None, seed: int, **given: Any) -> int:
        output = read_output(given)
        out = make_folder(output.out or Path("outputs", name))
        return show_scenario(name, output, out, read_device(device), steps, seed)

    return command


def run_options(command: Any) -> Any:
    """Add the options of the commands that run scenarios."""
    command = click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))(command)
    command = click.option("--steps", type=click.IntRange(min=1), help="Optimizer steps (default: its own).")(
        command
    )
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


def show_scenario(name: str, output: Output, out: Path, device: str, steps: int | None, seed: int) -> int:
    """Run, print and write one scenario; return the exit status."""
    from tracer.api import diagnose
    from tracer.commands.results import print_results, save_trace, status_of, write_formats

    trace = record_scenario(name, device, steps, seed)
    report = diagnose(trace)
    saved = save_trace(trace, out)
    print_results(report, [saved, *write_formats(trace, report, output, saved.parent)], output)
    return status_of(report, output.fail_on)


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
