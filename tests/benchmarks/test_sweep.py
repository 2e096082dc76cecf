"""A fast part of the sweep: one program of each kind, every fact torch's own, no alarm on what trains."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

DOCS = Path(__file__).resolve().parents[2] / "docs"
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", ["llama", "qwen2_moe", "mamba", "bert", "t5", "swin"])
def test_architecture_has_the_facts_of_torch_and_no_false_alarm(name: str) -> None:
    from benchmarks.architectures import architectures
    from benchmarks.sweeping import sweep

    row = sweep(next(one for one in architectures() if one.name == name), steps=2)
    assert (row.wrong, row.false) == ((), ())
    assert row.verdicts["updated"] == row.compared == sum(row.verdicts.values())
    assert row.nodes > 50
    assert row.drawn > 1000


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "updated"),
    [
        ("LoRA with a trained head, checkpointed, reentrant", 9), ("DoRA, checkpointed", 12), ("AdaLoRA", 12),
        ("IA3, checkpointed, reentrant", 6), ("adapters (LLaMA-Adapter), checkpointed", 4), ("prefix tuning", 1),
        ("prefix tuning with projection", 5), ("p-tuning, checkpointed", 7), ("LoRA on t5", 24),
    ],
)  # fmt: skip
def test_a_method_of_peft_trains_its_own_parameters_and_nothing_is_said_of_the_frozen_ones(
    name: str, updated: int
) -> None:
    pytest.importorskip("peft")
    from benchmarks.peft_methods import methods
    from benchmarks.sweeping import sweep

    row = sweep(next(one for one in methods() if one.name == name))
    assert (row.wrong, row.false) == ((), ())
    assert row.verdicts.pop("updated") == updated
    assert set(row.verdicts) == {"frozen"}
    assert row.drawn > 1000


@pytest.mark.integration
@pytest.mark.parametrize("name", ["LoRA, checkpointed, reentrant", "DoRA", "LoHa", "LoKr", "adapters (LLaMA-Adapter)"])
def test_one_recorded_step_of_what_starts_at_zero_raises_no_alarm(name: str) -> None:
    pytest.importorskip("peft")
    import torch

    import tracer
    from benchmarks.peft_methods import methods

    torch.manual_seed(0)
    training = next(one for one in methods() if one.name == name).begin()
    with tracer.record(training.model, training.optimizer) as recording:
        training.step()
    report = recording.report()
    assert {f.code for f in report.findings if f.severity == "info"} == {"TR301", "TR405"}
    tracer.assert_no_findings(report)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("package", "name", "updated"),
    [
        ("torch_geometric", "GCN", 4), ("torch_geometric", "GAT", 8), ("ignite", "supervised trainer", 4),
        ("x_transformers", "decoder, rotary, RMSNorm, SwiGLU", 23), ("x_transformers", "encoder-decoder", 32),
        ("vit_pytorch", "SimpleViT", 30),
    ],
)  # fmt: skip
def test_models_of_other_packages_have_the_facts_of_torch_and_no_alarm(package: str, name: str, updated: int) -> None:
    import importlib.util

    from benchmarks.ecosystem import programs
    from benchmarks.sweeping import sweep

    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    row = sweep(next(one for one in programs() if one.name == name))
    assert (row.wrong, row.false, dict(row.verdicts)) == ((), (), {"updated": updated})
    assert row.drawn > 1000


@pytest.mark.integration
def test_lora_done_wrong_is_told_for_what_it_is() -> None:
    pytest.importorskip("peft")
    from benchmarks.lora_mistakes import MISTAKES, report_of, verdicts_of

    reports = {one.name: report_of(one) for one in MISTAKES}
    assert {name: verdicts_of(report) for name, report in reports.items()} == {
        "the optimizer was built before `get_peft_model`": {"not_in_optimizer": 8},
        "only `lora_A` is in the optimizer": {"not_in_optimizer": 4, "zero_grad": 4},
        "reentrant checkpointing, no input requires grad": {"cut": 8},
        "trained inside `disable_adapter()`": {"unused": 8},
        "`disable_adapter_layers()` was called": {"frozen": 8},
        "loaded for inference (`is_trainable=False`)": {"frozen": 8},
        "`set_adapter` after the optimizer was built": {"frozen": 8, "not_in_optimizer": 8},
    }
    for one in MISTAKES:
        loud = {f.code for f in reports[one.name].findings if f.severity in ("error", "warning")}
        assert loud - {"TR202"} == {one.code}
    cut = next(f for f in reports["reentrant checkpointing, no input requires grad"].findings if f.code == "TR206")
    assert "modeling_layers.py" in cut.fix and cut.fix.endswith("or model.enable_input_require_grads()")


def test_the_pages_say_what_the_sweep_found_and_nothing_differs() -> None:
    for page, rows in (("transformers.md", 70), ("ecosystem.md", 86)):
        text = (DOCS / page).read_text(encoding="utf-8")
        table = [line for line in text.split("## ")[0].splitlines() if line.startswith("| ")][1:]
        assert len(table) >= rows
        assert "differ |" not in text
        assert {line.split(" | ")[4] for line in table} == {"0"}
