"""Be ``python script.py args`` or ``python -m module args`` for someone else's program.

The program gets the ``sys.argv``, ``sys.path[0]`` and ``__main__`` that Python would give it. It ends as it
would: same traceback (less our frames), same status. Nothing here imports torch: the program does that
itself, after it has set up its environment, and the recording starts at that moment.

Source: https://docs.python.org/3/using/cmdline.html#interface-options
"""

from __future__ import annotations

import builtins
import importlib.util
import os
import runpy
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import PathFinder, SourceFileLoader
from types import CodeType, ModuleType

from tracer.errors import UsageError
from tracer.recording.tracebacks import without_own_frames

#: What a shell reports for a program that Ctrl-C ended.
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Program:
    """Someone's program: a script's path, or a module's name, with its arguments."""

    target: str
    args: tuple[str, ...] = ()
    is_module: bool = False

    @property
    def name(self) -> str:
        """Base name, as the trace's header has it."""
        return self.target if self.is_module else os.path.basename(os.path.normpath(self.target))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    status: int  #: what Python's exit status would have been
    error: BaseException | None = None  #: what it raised, less ``SystemExit``
    ran: bool = True  #: False when its source could not be compiled
    in_child: bool = False  #: this is a process that the program forked, not the one that was started


def check_program(program: Program) -> None:
    """Make sure that there is something to run.

    Raises:
        UsageError: when the script is missing or a folder, or the module is not to be found.
    """
    if program.is_module:
        _check_module(program.target)
        return
    path = program.target
    if os.path.isdir(path) and not os.path.isfile(os.path.join(path, "__main__.py")):
        raise UsageError(f"{path} is a directory without __main__.py.", "Name a Python script.", slug="no-script")
    if not os.path.exists(path):
        raise UsageError(f"there is no script {path}.", "Name a Python script, or -m MODULE.", slug="no-script")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{path} cannot be read: permission denied.", "Name a Python script.", slug="no-script")


def _check_module(name: str) -> None:
    first = name.partition(".")[0]
    missing = first not in sys.modules and PathFinder.find_spec(first, [os.getcwd(), *sys.path]) is None
    if missing and first not in (*sys.builtin_module_names, *sys.stdlib_module_names):
        raise UsageError(f"there is no module named {first!r}.", "Name one that Python finds here.", slug="no-module")


def run_program(program: Program) -> Ended:
    """Run a program to its end as ``python`` would, its other threads included, and say how it ended."""
    started_in = os.getpid()
    try:
        run = _prepare_module(program) if program.is_module else _prepare_script(program)
    except (SyntaxError, ValueError) as failure:
        # before Python 3.12 ``compile`` raises ValueError for a null byte, where Python says SyntaxError
        error = failure if isinstance(failure, SyntaxError) else SyntaxError(str(failure))
        _show(error.with_traceback(None))
        return Ended(1, error, ran=False)
    ended = _guard(run)
    joined = _guard(_join_threads)
    if isinstance(joined.error, KeyboardInterrupt):
        ended = joined
    _flush()
    return Ended(ended.status, ended.error, in_child=os.getpid() != started_in)


# --------------------------------------------------------------------------- becoming __main__


def _prepare_script(program: Program) -> Callable[[], None]:
    """Set ``sys.argv``, ``sys.path`` and ``__main__`` for a script, and compile it."""
    path = os.path.abspath(program.target)
    sys.argv = [program.target, *program.args]
    if os.path.isdir(path) or not _is_source(path):
        return _prepare_archive(path)
    main = _new_main()
    main.__file__ = path
    main.__loader__ = SourceFileLoader("__main__", path)
    vars(main)["__cached__"] = None
    _set_first_path(os.path.dirname(os.path.realpath(path)))
    with open(path, "rb") as file:
        code: CodeType = compile(file.read(), path, "exec", dont_inherit=True)
    return lambda: exec(code, vars(main))


def _is_source(path: str) -> bool:
    # what Python itself asks: is it something that an import hook takes, such as a zip file?
    with open(path, "rb") as file:
        return file.read(4) != b"PK\x03\x04"


def _prepare_archive(path: str) -> Callable[[], None]:
    """Run ``__main__.py`` of a folder or zip file, which becomes ``sys.path[0]``."""
    _new_main()
    _set_first_path(path)
    return lambda: runpy._run_module_as_main("__main__", False)  # type: ignore[attr-defined]


def _prepare_module(program: Program) -> Callable[[], None]:
    """Set up ``-m``: Python's own entry finds the module, then sets ``sys.argv[0]`` and ``__spec__``."""
    sys.argv = ["-m", *program.args]
    _new_main()
    _set_first_path(os.getcwd())
    # private, but it is what ``python -m`` calls in 3.10 to 3.14; run_module leaves __main__ as it was, and
    # then pickle and multiprocessing do not find the program's classes
    return lambda: runpy._run_module_as_main(program.target, True)  # type: ignore[attr-defined]


def _new_main() -> ModuleType:
    """Put an empty ``__main__`` in place of ours, which is kept alive."""
    main = ModuleType("__main__")
    vars(main)["__builtins__"] = builtins
    if sys.version_info < (3, 14):
        vars(main)["__annotations__"] = {}  # Python's own __main__ has it from the start
    _kept.append(sys.modules["__main__"])
    sys.modules["__main__"] = main
    return main


_kept: list[ModuleType] = []


def _set_first_path(folder: str) -> None:
    # with -P or PYTHONSAFEPATH Python puts no folder of the program first, so there is none to replace
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = folder


# --------------------------------------------------------------------------- how it ends


def _guard(run: Callable[[], None]) -> Ended:
    """Run, and turn what it raises into a status, with the output that Python would give."""
    try:
        run()
    except SystemExit as error:
        return Ended(_status_of(error.code))
    except KeyboardInterrupt as error:
        _show(error)
        return Ended(INTERRUPTED, error)
    except BaseException as error:
        _show(error)
        return Ended(1, error)
    return Ended(0)


def _status_of(code: object) -> int:
    """Return the exit status for ``SystemExit.code``; text goes to stderr with status 1, as in Python."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    _flush()
    print(code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    """Print an uncaught exception through ``sys.excepthook``, which the program may have replaced."""
    _flush()
    without_own_frames(error)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except Exception:
        print("Error in sys.excepthook:", file=sys.stderr)
        traceback.print_exc()
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, error.__traceback__)


def _join_threads() -> None:
    # Python waits for these before it ends; what they train belongs to the trace too
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # closed by the program, or its reader has gone: Python would not complain here either
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()


# --------------------------------------------------------------------------- when torch comes


def on_torch_import(start: Callable[[], None]) -> Callable[[], None]:
    """Call ``start`` once, as soon as torch has been imported; return what withdraws the wish.

    Starting any earlier would import torch before the program has set ``OMP_NUM_THREADS`` and the like.
    """
    if "torch" in sys.modules:
        start()
        return lambda: None
    finder = _TorchFinder(start)
    sys.meta_path.insert(0, finder)
    return finder.withdraw


class _TorchFinder:
    """A finder that finds nothing itself, but wraps the loader of torch when that is imported."""

    def __init__(self, start: Callable[[], None]) -> None:
        self._start = start

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return torch's own spec, with ``start`` called after its code has run; None for all else."""
        if name != "torch":
            return None
        self.withdraw()
        spec = importlib.util.find_spec(name)
        loader = None if spec is None else spec.loader
        if loader is None:
            return spec
        start, load = self._start, loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module  # the loader's own method shows again
            load(module)
            start()

        loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def withdraw(self) -> None:
        """Stop waiting."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
