"""What the tests of intended patterns share: record a program, and say what the report makes of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tracer.diagnosis.findings import Report

Record = Callable[[Callable[[], object]], Report]


@pytest.fixture
def record() -> Record:
    """Run a program under a recorder; what it returns is kept alive until the recording ends."""
    torch = pytest.importorskip("torch")
    from tracer.diagnosis.engine import diagnose
    from tracer.recording.session import Session

    def run(program: Callable[[], object]) -> Report:
        torch.manual_seed(0)
        session = Session()
        with session:
            kept = program()
        del kept
        return diagnose(session.trace)

    return run


@pytest.fixture
def quiet(record: Record) -> Callable[[Callable[[], object]], set[str]]:
    """Record a program, fail on any alarm, and return the verdicts of its parameters."""

    def run(program: Callable[[], object]) -> set[str]:
        report = record(program)
        loud = [(f.code, report.names_of(f), f.message) for f in report.findings if f.severity in ("error", "warning")]
        assert loud == []
        assert len(report) > 0
        return {row.verdict for row in report}

    return run
