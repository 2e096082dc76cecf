"""``tracer run`` is ``python``: the same program sees and gives the same things either way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.errors import UsageError
from tracer.recording.script import Program, check_program

ROOT = Path(__file__).resolve().parent.parent.parent

Result = "subprocess.CompletedProcess[str]"
Shell = Callable[..., "subprocess.CompletedProcess[str]"]

#: Runs a program the way ``tracer run`` does, without recording: ``as_main.py [-m] TARGET ARGS``.
RUNNER = """
import sys
from tracer.recording.script import Program, run_program
given = sys.argv[1:]
is_module = given[0] == "-m"
given = given[1:] if is_module else given
sys.exit(run_program(Program(given[0], tuple(given[1:]), is_module)).status)
"""


@pytest.fixture
def both(python: Shell, tmp_path: Path) -> Callable[..., tuple[Result, Result]]:
    """Run a program by ``python`` and by the runner; return both results."""
    runner = tmp_path / "elsewhere" / "as_main.py"
    runner.parent.mkdir()
    runner.write_text(RUNNER)

    def run(*args: object, **more: str) -> tuple[Result, Result]:
        return python(*args, **more), python(runner, *args, **more)

    return run


def check_same(pair: tuple[Result, Result]) -> Result:
    plain, ours = pair
    assert ours.stdout == plain.stdout
    assert ours.stderr == plain.stderr
    assert ours.returncode == plain.returncode
    return plain


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


SELF_PORTRAIT = """
import sys, os
names = {k: str(v).split(" at 0x")[0] for k, v in sorted(globals().items()) if k not in ("sys", "os")}
print(names)
print(sys.argv, sys.path[0], os.getcwd(), __name__, __file__)
print(sys.modules["__main__"].__dict__ is globals(), repr(sys.stdin.read()))
"""


def test_a_script_sees_itself_as_main(tmp_path: Path, both: Callable[..., tuple[Result, Result]]) -> None:
    write(tmp_path / "folder" / "me.py", SELF_PORTRAIT)
    plain = check_same(both("folder/me.py", "--out", "x", "-m", "--", "-", stdin="typed"))
    assert "'--out', 'x', '-m', '--', '-'" in plain.stdout
    assert "'typed'" in plain.stdout


def test_a_linked_script_finds_the_modules_beside_its_target(
    tmp_path: Path, both: Callable[..., tuple[Result, Result]]
) -> None:
    write(tmp_path / "real" / "me.py", "import beside; print(beside.__file__, __file__)")
    write(tmp_path / "real" / "beside.py", "")
    (tmp_path / "link.py").symlink_to(tmp_path / "real" / "me.py")
    assert check_same(both("link.py")).returncode == 0


def test_a_module_sees_itself_as_main(tmp_path: Path, both: Callable[..., tuple[Result, Result]]) -> None:
    write(tmp_path / "pack" / "__init__.py", "print('init')")
    write(tmp_path / "pack" / "me.py", SELF_PORTRAIT)
    assert "ModuleSpec(name='pack.me'" in check_same(both("-m", "pack.me", "-m", "--seed=1")).stdout


def test_a_package_runs_its_main_module(tmp_path: Path, both: Callable[..., tuple[Result, Result]]) -> None:
    write(tmp_path / "pack" / "__init__.py", "")
    write(tmp_path / "pack" / "__main__.py", "from . import part; import sys; print(sys.argv, __package__)")
    write(tmp_path / "pack" / "part.py", "")
    assert check_same(both("-m", "pack", "a")).returncode == 0


def test_a_folder_and_a_zip_file_run_their_main_module(
    tmp_path: Path, both: Callable[..., tuple[Result, Result]]
) -> None:
    write(tmp_path / "app" / "__main__.py", "import part, sys; print(part.x, sys.argv, sys.path[0])")
    write(tmp_path / "app" / "part.py", "x = 5")
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.write(tmp_path / "app" / "__main__.py", "__main__.py")
        archive.write(tmp_path / "app" / "part.py", "part.py")
    assert check_same(both("app", "1")).stdout.startswith("5 ['app', '1']")
    assert check_same(both("app.zip", "1")).stdout.startswith("5 ['app.zip', '1']")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("sys.exit()", 0),
        ("sys.exit(3)", 3),
        ("sys.exit(-1)", 255),
        ("sys.exit(256)", 0),
        ("sys.exit('a reason')", 1),
        ("sys.exit((1, 2))", 1),
        ("raise SystemExit", 0),
        ("print('out'); 1 / 0", 1),
        ("raise ValueError('inner') from KeyError('outer')", 1),
        ("print('partial', end=''); sys.exit(7)", 7),
        ("int('x' * 3)", 1),
        ("sys.excepthook = lambda *a: print('mine', a[0].__name__, a[2].tb_frame.f_code.co_name); 1 / 0", 1),
        ("sys.excepthook = None or (lambda *a: 1 / 0); [][1]", 1),
        ("sys.stdout.close()", 0),
        ("import atexit; [atexit.register(print, i) for i in range(3)]; print('end')", 0),
        ("def f(n):\n    return 1 / 0 if n == 0 else f(n - 1)\nf(30)", 1),
    ],
)
def test_a_program_ends_as_it_would(
    tmp_path: Path, both: Callable[..., tuple[Result, Result]], body: str, status: int
) -> None:
    write(tmp_path / "end.py", f"import sys\n{body}\n")
    plain, ours = both("end.py")
    hook_fails = "Error in sys.excepthook" in plain.stderr
    assert (ours.stdout, ours.returncode) == (plain.stdout, plain.returncode)
    assert ours.returncode == status
    if hook_fails:  # the hook's own traceback has our frame in it, as it is not the program's error
        assert "Error in sys.excepthook" in ours.stderr
        assert ours.stderr.endswith(plain.stderr.partition("Original exception was:\n")[2])
    else:
        assert ours.stderr == plain.stderr


@pytest.mark.parametrize("source", ["def (\n", "x = 1\n  y = 2\n", "print('a'\n", "return 1\n", "print('ä'))\n"])
def test_a_syntax_error_is_told_in_pythons_words(
    tmp_path: Path, both: Callable[..., tuple[Result, Result]], source: str
) -> None:
    write(tmp_path / "bad.py", source)
    plain = check_same(both("bad.py"))
    assert plain.returncode == 1
    assert "Traceback" not in plain.stderr


@pytest.mark.parametrize(
    ("source", "told"),
    [(b"# coding: nonsense\nx = 1\n", "nonsense"), (b"x = '\xff'\n", "0xff"), (b"x = 1\0\n", "null byte")],
)
def test_a_source_that_cannot_be_decoded_is_told_like_a_syntax_error(
    tmp_path: Path, both: Callable[..., tuple[Result, Result]], source: bytes, told: str
) -> None:
    (tmp_path / "bad.py").write_bytes(source)
    plain, ours = both("bad.py")
    if told == "null byte" and plain.returncode == 0:
        pytest.skip("this Python reads a file only up to its first null byte (seen on 3.11.2; 3.11.7 refuses)")
    assert ours.returncode == plain.returncode == 1
    assert ours.stderr.splitlines()[-1].startswith("SyntaxError: ")
    assert told in ours.stderr
    assert "Traceback" not in ours.stderr


def test_an_uncaught_error_in_a_module_shows_the_frames_that_python_shows(
    tmp_path: Path, both: Callable[..., tuple[Result, Result]]
) -> None:
    write(tmp_path / "boom.py", "def f():\n    raise RuntimeError('boom')\nf()\n")
    assert "in f\n    raise RuntimeError" in check_same(both("-m", "boom")).stderr


def test_our_future_imports_do_not_reach_the_program(
    tmp_path: Path, both: Callable[..., tuple[Result, Result]]
) -> None:
    write(tmp_path / "notes.py", "def f(x: 1 + 1): ...\nprint(f.__annotations__)\n")
    assert check_same(both("notes.py")).stdout == "{'x': 2}\n"


def test_classes_of_main_can_be_pickled_and_made_dataclasses(
    tmp_path: Path, both: Callable[..., tuple[Result, Result]]
) -> None:
    write(
        tmp_path / "classes.py",
        "import pickle\n"
        "from dataclasses import dataclass\n"
        "from typing import ClassVar, get_type_hints\n"
        "@dataclass\n"
        "class Point:\n"
        "    x: 'int'\n"
        "    n: 'ClassVar[int]' = 3\n"
        "print(pickle.loads(pickle.dumps(Point(4))), get_type_hints(Point), Point.__module__)\n",
    )
    assert check_same(both("classes.py")).stdout.startswith("Point(x=4) ")


@pytest.mark.parametrize("how", ["fork", "spawn"])
@pytest.mark.parametrize("given", [("work.py",), ("-m", "work")])
def test_processes_find_the_functions_of_main(
    tmp_path: Path, both: Callable[..., tuple[Result, Result]], how: str, given: tuple[str, ...]
) -> None:
    write(
        tmp_path / "work.py",
        "import multiprocessing as mp\n"
        "def double(x):\n"
        "    return x * 2, __name__\n"
        "if __name__ == '__main__':\n"
        f"    with mp.get_context({how!r}).Pool(1) as pool:\n"
        "        print(pool.map(double, [1, 2]))\n",
    )
    name = "__main__" if how == "fork" else "__mp_main__"
    assert check_same(both(*given)).stdout == f"[(2, {name!r}), (4, {name!r})]\n"


def test_threads_are_waited_for_before_the_end(tmp_path: Path, both: Callable[..., tuple[Result, Result]]) -> None:
    write(
        tmp_path / "threads.py",
        "import atexit, threading, time\n"
        "atexit.register(print, 'atexit')\n"
        "threading.Thread(target=lambda: (time.sleep(.2), print('thread'))).start()\n"
        "print('main')\n",
    )
    assert check_same(both("threads.py")).stdout == "main\nthread\natexit\n"


def test_safe_path_keeps_the_programs_folder_out(tmp_path: Path, both: Callable[..., tuple[Result, Result]]) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("PYTHONSAFEPATH came with Python 3.11")
    write(tmp_path / "me.py", "import sys, os; print(os.getcwd() in sys.path, sys.path[0])")
    assert check_same(both("me.py", PYTHONSAFEPATH="1")).stdout.startswith("False ")


def test_ctrl_c_shows_pythons_traceback_and_gives_130(tmp_path: Path) -> None:
    write(tmp_path / "as_main.py", RUNNER)
    write(tmp_path / "wait.py", "import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "as_main.py", "wait.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell starts what it runs in the background with SIGINT ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    err = re.sub(r"^ +~+\^+\n", "", err, flags=re.MULTILINE)  # Python 3.13 marks the call
    assert (out, err) == (
        "",
        "Traceback (most recent call last):\n"
        f'  File "{tmp_path}/wait.py", line 3, in <module>\n'
        "    time.sleep(60)\n"
        "KeyboardInterrupt\n",
    )


# --------------------------------------------------------------------------- what cannot be run


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (Program("nowhere.py"), "there is no script nowhere.py."),
        (Program("empty"), "empty is a directory without __main__.py."),
        (Program("no_such_module_here", is_module=True), "there is no module named 'no_such_module_here'."),
    ],
)
def test_what_is_no_program_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Program, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        check_program(program)
    assert caught.value.message == message


@pytest.mark.parametrize("name", ["json.tool", "sys", "local"])
def test_modules_that_python_finds_pass_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write(tmp_path / "local.py", "")
    monkeypatch.chdir(tmp_path)
    check_program(Program(name, is_module=True))


def test_the_name_of_a_program_is_its_base_name() -> None:
    assert Program("a/b/train.py").name == "train.py"
    assert Program("a/app/").name == "app"
    assert Program("pack.train", is_module=True).name == "pack.train"


# --------------------------------------------------------------------------- when torch comes

WATCHER = """
import sys
from tracer.recording.script import on_torch_import
withdraw = on_torch_import(lambda: print("start", hasattr(sys.modules["torch"], "nn")))
"""


def test_recording_starts_when_the_program_has_imported_torch(tmp_path: Path, python: Shell) -> None:
    write(tmp_path / "torch" / "__init__.py", "print('importing'); nn = 1")
    program = "print('before')\nimport torch\nprint('after', torch.nn, torch.__spec__.name)\nimport torch\n"
    result = python("-c", WATCHER + program)
    assert result.stdout.splitlines() == ["before", "importing", "start True", "after 1 torch"]


def test_a_program_without_torch_does_not_import_it(python: Shell) -> None:
    end = "withdraw()\nprint('torch' in sys.modules, before == sys.meta_path)"
    result = python("-c", "import sys\nbefore = [*sys.meta_path]\n" + WATCHER + end)
    assert result.stdout == "False True\n"


def test_a_failing_import_of_torch_fails_as_it_would(tmp_path: Path, python: Shell) -> None:
    write(tmp_path / "torch" / "__init__.py", "raise ImportError('no such library')")
    result = python("-c", WATCHER + "import torch")
    assert result.returncode == 1
    assert result.stderr.endswith("ImportError: no such library\n")
    assert result.stdout == ""
