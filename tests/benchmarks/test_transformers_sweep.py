"""A fast part of the sweep: one architecture of each kind, every fact torch's own, no alarm on what trains."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

FEW = ("llama", "qwen2_moe", "mamba", "bert", "t5", "swin")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FEW)
def test_architecture_has_the_facts_of_torch_and_no_false_alarm(name: str) -> None:
    from benchmarks.architectures import ARCHITECTURES
    from benchmarks.transformers_sweep import sweep

    row = sweep(next(a for a in ARCHITECTURES if a.name == name))
    assert row.wrong == ()
    assert row.false == ()
    assert row.verdicts["updated"] == sum(row.verdicts.values())
    assert row.nodes > 50
    assert row.drawn > 1000
