"""The pytest plugin: the fixture ``traced_step``. Registered on installation; imports no torch until used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tracer.diagnosis.findings import Report


@pytest.fixture
def traced_step() -> Callable[..., Report]:
    """Run one training step under the tracer: ``traced_step(model, step, optimizer=..., steps=1)`` -> report."""
    from tracer.integrations.assertions import traced

    return traced
