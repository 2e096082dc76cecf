"""Layout engines: found, missing, failing, too slow."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.drawing import engines, fitting, picture
from tracer.drawing.engines import LayoutTimeoutError, find_engine, lay_out
from tracer.errors import EngineError
from tracer.traces import Trace

Blocks = Callable[..., Trace]
SMALL = "digraph { a -> b }"


def script(folder: Path, name: str, body: str) -> str:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a made engine in the place of all others."""

    def replace(body: str) -> None:
        made = script(tmp_path, "dot", body)
        monkeypatch.setattr(engines, "find_engine", lambda name=None: made)

    return replace


def test_the_bundled_engine_draws_svg_and_png() -> None:
    assert b"<svg" in lay_out(SMALL, "svg", engine="graphviz-pure")
    assert lay_out(SMALL, "png", engine="graphviz-pure").startswith(b"\x89PNG")


def test_the_system_engine_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = script(tmp_path, "dot", "")
    monkeypatch.setattr(shutil, "which", lambda name: made if name == "dot" else None)
    assert find_engine() == made
    assert find_engine("graphviz-pure") != made


def test_an_unknown_engine_is_one_sentence() -> None:
    with pytest.raises(EngineError, match=r"no layout engine 'neato'. Choose one of dot, graphviz-pure"):
        find_engine("neato")


def test_a_missing_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_command", lambda name: None)
    with pytest.raises(EngineError, match="pip install graphviz-pure"):
        find_engine()


def test_an_engine_that_fails_tells_its_last_line(engine: Callable[[str], None]) -> None:
    engine("import sys; sys.exit('it broke')")
    with pytest.raises(EngineError, match="failed: it broke"):
        lay_out(SMALL, "svg")


@pytest.mark.parametrize("said", [b"hello", b"\xff<svg></svg>", b"<svg", b"\x89PNG"])
def test_an_engine_that_writes_something_else_is_refused(engine: Callable[[str], None], said: bytes) -> None:
    engine(f"import sys; sys.stdout.buffer.write({said!r})")
    with pytest.raises(EngineError, match=r"the layout engine dot wrote no svg\. Choose another: --engine"):
        lay_out(SMALL, "svg")


def test_an_engine_that_crashes_is_told(engine: Callable[[str], None]) -> None:
    engine("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(EngineError, match="the layout engine dot failed: exit status -11"):
        lay_out(SMALL, "svg")


@pytest.mark.parametrize("body", ["print('hello')", "import os; os.kill(os.getpid(), 9)"])
def test_without_a_picture_all_other_files_are_written_and_it_is_said_once(
    blocks: Blocks, engine: Callable[[str], None], body: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tracer.reports.registry import FORMATS
    from tracer.reports.writing import write

    engine(body)
    trace = blocks(2)
    written = write(trace, diagnose(trace), tmp_path, tuple(FORMATS))
    assert {FORMATS[name].file for name in FORMATS} - {path.name for path in written} == {"graph.svg", "graph.png"}
    assert "no graph.svg: the layout engine dot" in capsys.readouterr().err


def test_an_engine_that_hangs_is_ended(engine: Callable[[str], None]) -> None:
    engine("import time; time.sleep(60)")
    with pytest.raises(LayoutTimeoutError, match=r"more than 0.3 s"):
        lay_out(SMALL, "svg", timeout=0.3)


def test_a_layout_that_takes_too_long_is_folded_further_with_a_note(
    blocks: Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def slow(dot: str, kind: str, *, engine: str | None = None, timeout: float = 20.0) -> bytes:
        tried.append(dot.count("shape="))
        if len(tried) < 3:
            raise LayoutTimeoutError("slow")
        return lay_out(dot, kind, timeout=timeout)

    monkeypatch.setattr(fitting, "lay_out", slow)
    trace = blocks(40, frozen=4, cut=8)
    svg = picture.svg_text(trace, diagnose(trace))
    assert "the layout took too long, so the picture is folded further" in svg
    assert tried == sorted(tried, reverse=True)
    assert tried[0] > tried[2]


def test_a_layout_that_never_ends_says_so(blocks: Blocks, engine: Callable[[str], None]) -> None:
    engine("import time; time.sleep(60)")
    trace = blocks(2)
    with pytest.raises(LayoutTimeoutError):
        picture.svg_text(trace, diagnose(trace), timeout=0.5)


def test_a_picture_too_wide_or_tall_for_a_laptop_is_folded(blocks: Blocks) -> None:
    from tracer.drawing.svg import size_of

    trace = blocks(100, frozen=40, cut=70)
    width, height = size_of(picture.svg_text(trace, diagnose(trace)).replace(' role="img"', ""))
    assert width <= 1150
    assert height <= 1900
