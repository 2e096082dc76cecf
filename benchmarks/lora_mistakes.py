"""LoRA as it goes wrong in people's programs; each with what the report must say of its parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

import tracer
from benchmarks.architectures import IMAGE, image, tokens
from benchmarks.peft_methods import TARGETS, base_model
from tracer.diagnosis.findings import Report


@dataclass(frozen=True)
class Mistake:
    """One mistake: ``begin`` returns model, optimizer, inputs, and what stands around the forward pass."""

    name: str
    begin: Callable[[], tuple[Any, torch.optim.Optimizer, Callable[[], dict[str, Any]], Callable[[], Any]]]
    verdicts: dict[str, int]  #: of the parameters with ``lora_`` in their names
    code: str  #: the finding that explains it


def report_of(mistake: Mistake, steps: int = 2) -> Report:
    """Train with the mistake under the tracer; where PyTorch refuses, the report is of what ran until then."""
    torch.manual_seed(0)
    model, optimizer, inputs, around = mistake.begin()
    with tracer.record(model, optimizer) as recording:
        for _ in range(steps):
            optimizer.zero_grad()
            with around():
                loss = model(**inputs()).loss
            if not loss.requires_grad:
                _refused(loss)
                break
            loss.backward()
            optimizer.step()
    return recording.report()


def verdicts_of(report: Report) -> dict[str, int]:
    """Count the verdicts of the adapters."""
    return dict(Counter(row.verdict for row in report if "lora_" in row.name))


def _refused(loss: torch.Tensor) -> None:
    try:
        loss.backward()
    except RuntimeError:
        return
    raise AssertionError("backward from a loss without a graph went through")


def _lora(model: Any, **more: Any) -> Any:
    import peft

    return peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules=TARGETS, **more))


def _held(model: Any) -> torch.optim.Optimizer:
    return torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)


def _optimizer_first() -> Any:
    model = base_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    return _lora(model), optimizer, tokens, nullcontext


def _reentrant() -> Any:
    import transformers

    config = transformers.AutoConfig.for_model("vit", **IMAGE)
    model = _lora(transformers.AutoModelForImageClassification.from_config(config), modules_to_save=["classifier"])
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": True})
    return model.train(), _held(model), image, nullcontext


def _disabled_around_forward() -> Any:
    model = _lora(base_model())
    around: Callable[[], AbstractContextManager[Any]] = model.disable_adapter
    return model, _held(model), tokens, around


def _disabled_for_good() -> Any:
    model = _lora(base_model())
    optimizer = _held(model)
    model.base_model.disable_adapter_layers()
    return model, optimizer, tokens, nullcontext


def _for_inference() -> Any:
    model = _lora(base_model(), inference_mode=True)  # as PeftModel.from_pretrained does without is_trainable=True
    return model, torch.optim.AdamW(model.parameters(), lr=1e-2), tokens, nullcontext


def _other_adapter() -> Any:
    import peft

    model = _lora(base_model())
    optimizer = _held(model)
    model.add_adapter("other", peft.LoraConfig(r=4, target_modules=TARGETS))
    model.set_adapter("other")
    return model, optimizer, tokens, nullcontext


def _only_half() -> Any:
    model = _lora(base_model())
    return model, torch.optim.AdamW([p for n, p in model.named_parameters() if "lora_A" in n]), tokens, nullcontext


MISTAKES: tuple[Mistake, ...] = (
    Mistake("the optimizer was built before `get_peft_model`", _optimizer_first, {"not_in_optimizer": 8}, "TR101"),
    Mistake("only `lora_A` is in the optimizer", _only_half, {"not_in_optimizer": 4, "zero_grad": 4}, "TR101"),
    Mistake("reentrant checkpointing, no input requires grad", _reentrant, {"cut": 8}, "TR206"),
    Mistake("trained inside `disable_adapter()`", _disabled_around_forward, {"unused": 8}, "TR201"),
    Mistake("`disable_adapter_layers()` was called", _disabled_for_good, {"frozen": 8}, "TR205"),
    Mistake("loaded for inference (`is_trainable=False`)", _for_inference, {"frozen": 8}, "TR205"),
    Mistake(
        "`set_adapter` after the optimizer was built", _other_adapter, {"frozen": 8, "not_in_optimizer": 8}, "TR101"
    ),
)
