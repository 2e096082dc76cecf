"""Distributed tensors: what a rank holds of a sum is not told as the whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tracer.events import BackwardStarted
from tracer.recording.session import Session

dist = pytest.importorskip("torch.distributed")
if not dist.is_available():
    pytest.skip("this PyTorch has no torch.distributed", allow_module_level=True)


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[object]:
    from torch.distributed.device_mesh import init_device_mesh

    dist.init_process_group("gloo", store=dist.FileStore(str(tmp_path / "store"), 1), rank=0, world_size=1)
    try:
        yield init_device_mesh("cpu", (1,))
    finally:
        dist.destroy_process_group()


@pytest.mark.parametrize(("kind", "told"), [("Replicate", 6.0), ("Partial", None)])
def test_a_loss_of_which_this_rank_holds_a_part_has_no_value(mesh: object, kind: str, told: float | None) -> None:
    from torch.distributed import tensor as dtensors

    weight = torch.nn.Parameter(torch.full((2,), 3.0))
    session = Session(None, None)
    with session:
        loss = dtensors.DTensor.from_local(weight.sum(), mesh, [getattr(dtensors, kind)()], run_check=False)
        loss.backward()
    assert [event.root_value for event in session.trace.of(BackwardStarted)] == [told]
    assert session.trace.notes == ()
