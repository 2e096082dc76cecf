"""Methods of the package peft on a tiny random LLaMA, each with and without gradient checkpointing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks.architectures import ARCHITECTURES, GROUPED, tokens
from benchmarks.sweeping import Program, Training

TARGETS = ["q_proj", "v_proj"]
#: method -> (class of its configuration, its arguments)
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "LoRA": ("LoraConfig", {"r": 4, "target_modules": TARGETS}),
    "LoRA with a trained head": ("LoraConfig", {"r": 4, "target_modules": TARGETS, "modules_to_save": ["lm_head"]}),
    "LoRA of every linear layer, dropout": ("LoraConfig", {"r": 4, "target_modules": "all-linear",
                                                           "lora_dropout": 0.1}),
    "DoRA": ("LoraConfig", {"r": 4, "target_modules": TARGETS, "use_dora": True}),
    "rsLoRA with biases": ("LoraConfig", {"r": 4, "target_modules": TARGETS, "use_rslora": True, "bias": "all"}),
    "AdaLoRA": ("AdaLoraConfig", {"init_r": 4, "target_r": 2, "target_modules": TARGETS, "total_step": 10}),
    "LoHa": ("LoHaConfig", {"r": 4, "target_modules": TARGETS}),
    "LoKr": ("LoKrConfig", {"r": 4, "target_modules": TARGETS}),
    "VeRA": ("VeraConfig", {"r": 4, "target_modules": TARGETS}),
    "OFT": ("OFTConfig", {"oft_block_size": 4, "target_modules": TARGETS}),
    "BOFT": ("BOFTConfig", {"boft_block_size": 4, "target_modules": TARGETS}),
    "IA3": ("IA3Config", {"target_modules": ["k_proj", "v_proj", "down_proj"], "feedforward_modules": ["down_proj"]}),
    "LayerNorm tuning": ("LNTuningConfig", {"target_modules": ["input_layernorm", "post_attention_layernorm"]}),
    "adapters (LLaMA-Adapter)": ("AdaptionPromptConfig", {"adapter_len": 4, "adapter_layers": 2}),
    "prefix tuning": ("PrefixTuningConfig", {"num_virtual_tokens": 4}),
    "prefix tuning with projection": ("PrefixTuningConfig", {"num_virtual_tokens": 4, "prefix_projection": True,
                                                             "encoder_hidden_size": 16}),
    "prompt tuning": ("PromptTuningConfig", {"num_virtual_tokens": 4}),
    "p-tuning": ("PromptEncoderConfig", {"num_virtual_tokens": 4, "encoder_hidden_size": 16}),
}  # fmt: skip
#: how activations are kept -> what ``gradient_checkpointing_enable`` gets; None = it is not called
CHECKPOINTING: dict[str, dict[str, Any] | None] = {
    "": None,
    ", checkpointed": {"use_reentrant": False},
    ", checkpointed, reentrant": {"use_reentrant": True},
}


#: (method, model type, task of peft): the same on networks of other kinds
OTHERS: tuple[tuple[str, str, str], ...] = (
    ("LoRA", "gpt2", "CAUSAL_LM"), ("LoRA", "bert", "TOKEN_CLS"), ("LoRA", "t5", "SEQ_2_SEQ_LM"),
    ("LoRA", "mamba", "CAUSAL_LM"), ("IA3", "t5", "SEQ_2_SEQ_LM"), ("prefix tuning", "t5", "SEQ_2_SEQ_LM"),
    ("prompt tuning", "gpt2", "CAUSAL_LM"), ("LoRA", "vit", ""), ("LoRA", "wav2vec2", ""), ("LoHa", "convnext", ""),
)  # fmt: skip
#: model type -> the layers that are adapted there, where not ``TARGETS``
LAYERS: dict[str, list[str]] = {
    "gpt2": ["c_attn"], "bert": ["query", "value"], "t5": ["q", "v"], "mamba": ["in_proj", "x_proj"],
    "convnext": ["pwconv1"],
}  # fmt: skip


def methods() -> list[Program]:
    """Return every method with each kind of checkpointing, and some on other networks."""
    on_llama = [
        Program(name + suffix, "PEFT", partial(_begin, config, arguments, kept))
        for name, (config, arguments) in METHODS.items()
        for suffix, kept in CHECKPOINTING.items()
        if kept is None or not name.startswith("prefix")  # peft refuses prefixes with checkpointing
    ]
    others = [Program(f"{name} on {model}", "PEFT", partial(_on, name, model, task)) for name, model, task in OTHERS]
    return [*on_llama, *others]


def _on(method: str, model_type: str, task: str) -> Training:
    import peft

    one = next(a for a in ARCHITECTURES if a.name == model_type)
    config, arguments = METHODS[method]
    if "target_modules" in arguments:
        arguments = {**arguments, "target_modules": LAYERS.get(model_type, TARGETS)}
        arguments.pop("feedforward_modules", None)
    model: Any = peft.get_peft_model(one.build().train(), getattr(peft, config)(task_type=task or None, **arguments))
    return training(model, [p for p in model.parameters() if p.requires_grad], one.inputs)


def base_model() -> torch.nn.Module:
    """Return the network that is adapted."""
    import transformers

    config = transformers.AutoConfig.for_model("llama", **GROUPED)
    model: torch.nn.Module = transformers.AutoModelForCausalLM.from_config(config).train()
    return model


def _begin(config: str, arguments: dict[str, Any], kept: dict[str, Any] | None) -> Training:
    import peft

    model: Any = base_model()
    if kept is not None:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=kept)
    model = peft.get_peft_model(model, getattr(peft, config)(task_type="CAUSAL_LM", **arguments))
    return training(model, [p for p in model.parameters() if p.requires_grad])


def training(model: Any, trained: list[torch.Tensor], inputs: Callable[[], dict[str, Any]] = tokens) -> Training:
    """Return AdamW steps of a language model; what peft wants after each step is called where it exists."""
    optimizer = torch.optim.AdamW(trained, lr=1e-2)
    after: Callable[[int], object] | None = getattr(model.base_model, "update_and_allocate", None)
    count = iter(range(1000))

    def step() -> None:
        optimizer.zero_grad()
        model(**inputs()).loss.backward()
        optimizer.step()
        if after is not None:
            after(next(count))

    return Training(model, optimizer, step)
