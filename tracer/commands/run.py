"""``tracer run``: someone's unmodified program as ``python`` would run it, traced."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracer.commands.judging import Judging, judging_options, read_judging
from tracer.commands.options import Output, make_folder, output_options, read_output
from tracer.errors import TracerError

if TYPE_CHECKING:
    from tracer.recording.script import Ended, Program
    from tracer.recording.session import Session
    from tracer.traces import Trace


@click.command(
    "run",
    # what follows SCRIPT belongs to the program, whatever it looks like
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTIONS]",
)
@click.option("-m", "is_module", is_flag=True, help="Run a module, as in python -m.")
@click.option(
    "--detail",
    default="flow",
    type=click.Choice(["graph", "flow", "full"]),
    show_default=True,
    help="How much of the gradients is read.",
)
@click.option("--values/--no-values", default=True, show_default=True, help="Compare values around each step.")
@click.option("--source/--no-source", default=True, show_default=True, help="Keep source lines in the trace.")
@click.option("--every", default=1, show_default=True, type=click.IntRange(min=1), help="Record every Nth step only.")
@click.option(
    "--first",
    default=10,
    show_default=True,
    type=click.IntRange(min=1),
    help="With --every: first steps, all recorded.",
)
@click.option(
    "--merge-wait", default=20.0, show_default=True, type=click.FloatRange(min=0), help="Seconds that rank 0 waits."
)
@judging_options
@output_options
@click.argument("target", metavar="SCRIPT|MODULE")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def command(target: str, args: tuple[str, ...], is_module: bool, **given: Any) -> int:
    """Run a program as python would, traced. Its output and exit status stay its own."""
    from tracer.recording.script import Program, check_program

    wait = given.pop("merge_wait")
    program = Program(target, args, is_module)
    check_program(program)
    output, judging = read_output(given), read_judging(given)
    out = make_folder(Path(output.out or "tracer-out").absolute())
    return run(program, output, judging, out, given, wait)


def run(program: Program, output: Output, judging: Judging, out: Path, how: dict[str, Any], wait: float = 0.0) -> int:
    """Run and record ``program``, write its report, and return the exit status."""
    from tracer.commands.gathering import finishing, forget_rank
    from tracer.recording.script import INTERRUPTED, run_program

    forget_rank(out)
    watch = _Watch(program.name, how, out)
    withdraw = watch.begin()
    ended = run_program(program)
    if ended.in_child:
        return ended.status  # a process that the program forked: the report is its parent's to write
    withdraw()
    if not ended.ran:
        return ended.status
    try:
        with finishing():
            found = _report(watch.end(ended), output, judging, out, wait, failed=ended.error is not None)
    except KeyboardInterrupt:
        found = INTERRUPTED
    except TracerError as error:
        print(f"tracer: {error}", file=sys.stderr)
        found = 2
    return ended.status or found


def _report(trace: Trace, output: Output, judging: Judging, out: Path, wait: float, *, failed: bool) -> int:
    """Save first, so that whatever fails later costs no recording; then diagnose and write.

    What cannot be written, as on a full disk, is told on the terminal all the same.
    """
    from tracer.commands.gathering import merge_here, write_rank
    from tracer.commands.results import print_summary, save_trace, status_of, write_formats

    try:
        saved = save_trace(trace, out)
        report = judging.diagnose(trace)
        files = [saved, *write_formats(trace, report, output, saved.parent)]
    except TracerError:
        if not output.quiet:
            print_summary(judging.diagnose(trace), [])
        raise
    if trace.header.world_size > 1:
        files.append(write_rank(trace, report, saved.parent))
        together = merge_here(trace, output, judging, out, wait, failed=failed)
        if together is None:
            return status_of(report, output.fail_on)  # rank 0 speaks for all
        report, files = together
    if not output.quiet:
        print_summary(report, [_shown(file) for file in files])
    return status_of(report, output.fail_on)


def _shown(file: Path) -> Path:
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


class _Watch:
    """The recording of a program, which starts when the program imports torch."""

    def __init__(self, name: str, how: dict[str, Any], out: Path) -> None:
        self._name = name
        self._out = out
        self._how = how
        self._session: Session | None = None
        self._failure = ""

    def begin(self) -> Any:
        """Wait for torch; return what stops waiting."""
        from tracer.recording.script import on_torch_import

        return on_torch_import(self._start)

    def _start(self) -> None:
        from tracer.recording.sampling import Cadence
        from tracer.recording.session import Session

        how = dict(self._how)
        cadence = Cadence(how.pop("every"), how.pop("first"))
        try:
            session = Session(None, None, program=self._name, cadence=cadence, **how)
            session.start()
            session.keep(self._keep)
        except Exception as error:  # the program must run, whatever happens to its tracing
            self._failure = f"{type(error).__name__}: {error}"
            print(f"tracer: could not start recording ({self._failure})", file=sys.stderr)
        else:
            self._session = session

    def _keep(self, trace: Trace) -> None:
        """Save the unfinished trace: should the program be killed, that much of it is there."""
        from tracer.commands.results import save_trace

        save_trace(trace, self._out)

    def end(self, ended: Ended) -> Trace:
        """Stop recording and return the trace."""
        if self._session is not None:
            self._session.stop(ended.error)
            return self._session.trace
        from tracer.events import Noted
        from tracer.traces import Header, Trace

        reason = f"Recording could not start ({self._failure})." if self._failure else _NO_TORCH
        return Trace(Header(program=self._name), (Noted(reason),))


_NO_TORCH = "The program never imported torch, so there was nothing to record."
