"""Snapshots of values: what they hold, and that no change hides from them."""

from __future__ import annotations

import pytest
import torch

from tracer.events import ValueMeasured
from tracer.recording.mailbox import now
from tracer.recording.session import Session
from tracer.recording.snapshots import Layout, digest_on_device, layout_for, norm_of_change, take

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.int64]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_snapshot_of_each_dtype_shows_a_change_of_one_bit(dtype: torch.dtype) -> None:
    tensor = torch.ones(5, dtype=dtype)
    before = now(take([(tensor, layout_for(5))]))[0]
    tensor[3] = 2
    after = now(take([(tensor, layout_for(5))]))[0]
    assert before is not None and after is not None
    assert not before.same(after)
    assert before.digest() != after.digest()
    assert norm_of_change(before, after) == 1.0


def test_tensors_of_several_dtypes_and_sizes_keep_their_own_bytes() -> None:
    small, large, half = torch.arange(3.0), torch.arange(20_000.0), torch.full((4,), 0.5, dtype=torch.bfloat16)
    found = now(take([(small, Layout(False)), (large, Layout(True, 19_000)), (half, Layout(False))]))
    assert [s.shown() if s else None for s in found] == [[0.0, 1.0, 2.0], None, [0.5, 0.5, 0.5, 0.5]]
    assert found[1] is not None
    data = found[1].data()
    assert len(data) == 256 * 16 + 64
    assert list(data[:3]) == [0.0, 1.0, 2.0]
    assert list(data[16:18]) == [78.0, 79.0]  # the second of 256 blocks begins at 20000 // 256
    assert list(data[-2:]) == [19_062.0, 19_063.0]


def test_a_tensor_in_channels_last_is_sampled_without_a_copy() -> None:
    tensor = torch.randn(64, 32, 4, 4).to(memory_format=torch.channels_last)
    before = now(take([(tensor, Layout(True))]))[0]
    tensor.mul_(2)
    after = now(take([(tensor, Layout(True))]))[0]
    assert before is not None and after is not None
    assert not before.same(after)


def test_a_digest_depends_on_every_value_and_its_position() -> None:
    tensor = torch.arange(3_000_000.0)
    first = int(digest_on_device(tensor))
    tensor[2_999_999] += 1
    second = int(digest_on_device(tensor))
    tensor[0], tensor[1] = 1.0, 0.0
    third = int(digest_on_device(tensor))
    assert len({first, second, third}) == 3


def test_a_step_that_moves_one_number_between_the_blocks_is_seen_at_the_next_step() -> None:
    weight = torch.nn.Parameter(torch.zeros(100_000))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    with Session(None, optimizer) as session:
        for _ in range(4):
            (weight[70_017] * weight.new_tensor(1e-3) + weight[0] * 0).backward()
            optimizer.step()
            optimizer.zero_grad()
    assert [v.changed for v in session.trace.of(ValueMeasured)] == [True, True, True, True]
