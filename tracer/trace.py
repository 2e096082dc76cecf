"""``python -m tracer.trace``: the command line. Finds a command or a scenario and hands over."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from tracer import __version__
from tracer.commands import COMMANDS, command_named
from tracer.errors import TracerError

#: What a shell reports for a program ended by Ctrl-C, and by writing to a reader that has gone.
INTERRUPTED, BROKEN_PIPE = 130, 141


class Cli(click.Group):
    """A group whose commands are loaded when they are named; any other name is a scenario."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            return command_named(cmd_name)
        from tracer.commands.scenario import scenario_command

        return scenario_command(cmd_name)


@click.group(
    cls=Cli,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Any other name runs the scenario of that name: 'tracer list' shows them.",
)
@click.version_option(__version__, prog_name="tracer")
@click.pass_context
def cli(ctx: click.Context) -> int:
    """Trace how gradients accumulate in PyTorch: which parameters train, which do not, and why."""
    if ctx.invoked_subcommand in _CONFIGURED:
        ctx.default_map = _defaults()
    if ctx.invoked_subcommand is None:
        return int(ctx.invoke(command_named("list")) or 0)
    return 0


#: The commands about programs and traces of the user's.
_CONFIGURED = ("run", "report", "merge")


def _defaults() -> dict[str, object]:
    """Return the defaults of the configuration, per command."""
    from tracer.commands.configuration import read_configuration

    defaults = dict(read_configuration(Path.cwd()).defaults)
    return dict.fromkeys(_CONFIGURED, defaults)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; a user's mistake is one sentence on stderr."""
    try:
        return int(cli.main(args=argv, prog_name="tracer", standalone_mode=False) or 0)
    except click.ClickException as error:
        return _complain(error.format_message())
    except TracerError as error:
        return _complain(str(error))
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except SystemExit:
        return BROKEN_PIPE  # click leaves so, and silences the streams, when the reader of a pipe has gone
    except BrokenPipeError:
        # the reader has gone; Python would complain once more when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _complain(sentence: str) -> int:
    print(f"tracer: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
