"""Tracing changes nothing that a program computes: every bit, warning, error, graph and generator."""

from __future__ import annotations

import warnings

import pytest
import torch

from tests.neutral.observing import differences
from tests.neutral.programs import PROGRAMS
from tracer.recording import session


@pytest.mark.parametrize("detail", ["graph", "flow", "full"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_traced_run_equals_an_untraced_one(name: str, detail: str) -> None:
    assert differences(PROGRAMS[name], detail) == []


def test_the_comparison_sees_whatever_differs() -> None:
    def sneaky() -> object:
        if not session._open:
            return [torch.ones(2) * -0.0, torch.ones(2, requires_grad=True) + 1]
        warnings.warn("traced", stacklevel=1)
        torch.rand(1)
        return [torch.zeros(2), torch.ones(2, requires_grad=True) * 2]

    assert differences(sneaky, "flow") == ["result[0]", "result[1]", "torch's generator", "warning 0"]
