"""A step inside ``torch.compile`` is not seen, and no alarm is raised over it."""

from __future__ import annotations

import pytest
import torch

import tracer


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_step_is_a_remark_that_says_that_the_value_changed() -> None:
    torch._dynamo.reset()
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    step = torch.compile(lambda: optimizer.step(), backend="aot_eager")
    with tracer.record(net, optimizer) as recording:
        for _ in range(2):
            net(torch.ones(2, 3)).sum().backward()
            step()
    report = recording.report()
    row = report["weight"]
    assert (row.verdict, row.severity, row.confidence) == ("no_step", "info", "probable")
    assert row.message == (
        "a gradient accumulated in 2 backwards and its value changed, but no optimizer's step was seen; "
        "one inside torch.compile is not"
    )
    assert report.findings == ()
