"""Tiny random configurations of transformers architectures, built offline from their configs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.sweeping import Program, Training

VOCABULARY, LENGTH, BATCH = 64, 12, 2

#: Sizes under the names that most configurations use.
TEXT = {
    "vocab_size": VOCABULARY, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 32, "max_position_embeddings": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
GROUPED = {**TEXT, "num_key_value_heads": 2, "head_dim": 8}
GPT = {"vocab_size": VOCABULARY, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64, "bos_token_id": 1}
PAIR = {
    "vocab_size": VOCABULARY, "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 64,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1,
}  # fmt: skip
T5 = {
    "vocab_size": VOCABULARY, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2,
    "pad_token_id": 0, "decoder_start_token_id": 0,
}  # fmt: skip
IMAGE = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 32,
    "patch_size": 8, "num_labels": 3,
}  # fmt: skip
STAGES = {"num_labels": 3, "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}
WAVE = {
    **TEXT, "vocab_size": 32, "conv_dim": (8, 8), "conv_stride": (4, 4), "conv_kernel": (8, 4),
    "num_feat_extract_layers": 2, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2,
    "mask_time_prob": 0.0,
}  # fmt: skip


@dataclass(frozen=True)
class Architecture:
    """One row of the sweep."""

    name: str  #: model type of transformers
    family: str
    auto: str  #: the Auto class that builds it
    sizes: dict[str, Any]
    inputs: Callable[[], dict[str, Any]]

    def build(self) -> torch.nn.Module:
        """Return the model with random weights."""
        import transformers

        config = transformers.AutoConfig.for_model(self.name, **self.sizes)
        model: torch.nn.Module = getattr(transformers, self.auto).from_config(config)
        return model

    def begin(self) -> Training:
        """Return AdamW steps of it."""
        model = self.build().train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

        def step() -> None:
            optimizer.zero_grad()
            model(**self.inputs()).loss.backward()
            optimizer.step()

        return Training(model, optimizer, step)


def tokens() -> dict[str, Any]:
    """Return ids with themselves as labels."""
    ids = torch.randint(3, VOCABULARY, (BATCH, LENGTH))
    return {"input_ids": ids, "labels": ids.clone()}


def image() -> dict[str, Any]:
    """Return pixels with class labels."""
    return {"pixel_values": torch.rand(BATCH, 3, 32, 32), "labels": torch.randint(0, 3, (BATCH,))}


def wave() -> dict[str, Any]:
    """Return raw audio with a short transcript."""
    return {"input_values": torch.randn(BATCH, 800), "labels": torch.randint(3, 30, (BATCH, 4))}


def spectrogram() -> dict[str, Any]:
    """Return log-mel features with a transcript."""
    return {"input_features": torch.randn(BATCH, 8, 40), "labels": torch.randint(3, VOCABULARY, (BATCH, 6))}


def _all(family: str, auto: str, inputs: Callable[[], dict[str, Any]], rows: dict[str, dict[str, Any]]) -> list[Any]:
    return [Architecture(name, family, auto, sizes, inputs) for name, sizes in rows.items()]


_DECODERS = {
    "gpt2": GPT, "gptj": {**GPT, "rotary_dim": 4}, "codegen": {**GPT, "n_head": 4, "n_embd": 32, "rotary_dim": 4},
    "gpt_neo": {**TEXT, "num_layers": 2, "num_heads": 2, "attention_types": [[["global", "local"], 1]]},
    "gpt_neox": TEXT, "opt": {**TEXT, "ffn_dim": 32, "word_embed_proj_dim": 16},
    "bloom": {**TEXT, "n_layer": 2, "n_head": 2},
    "llama": GROUPED, "mistral": GROUPED, "qwen2": GROUPED, "qwen3": GROUPED, "gemma": GROUPED, "gemma2": GROUPED,
    "phi": TEXT, "phi3": GROUPED, "stablelm": GROUPED, "olmo": GROUPED, "olmo2": GROUPED, "starcoder2": GROUPED,
    "granite": GROUPED, "cohere": GROUPED, "falcon": TEXT, "persimmon": TEXT, "biogpt": TEXT, "glm": GROUPED,
    "xglm": {"vocab_size": VOCABULARY, "d_model": 16, "num_layers": 2, "attention_heads": 2, "ffn_dim": 32},
    "mpt": {"vocab_size": VOCABULARY, "d_model": 16, "n_layers": 2, "n_heads": 2, "max_seq_len": 64},
}  # fmt: skip
_EXPERTS = {
    "mixtral": {**GROUPED, "num_local_experts": 2, "num_experts_per_tok": 1},
    "qwen2_moe": {**GROUPED, "num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 16,
                  "shared_expert_intermediate_size": 16},
    "olmoe": {**GROUPED, "num_experts": 2, "num_experts_per_tok": 1},
}  # fmt: skip
_SPACES = {
    "mamba": {"vocab_size": VOCABULARY, "hidden_size": 16, "num_hidden_layers": 2, "state_size": 4},
    "mamba2": {"vocab_size": VOCABULARY, "hidden_size": 16, "num_hidden_layers": 2, "state_size": 4, "head_dim": 8,
               "num_heads": 4, "n_groups": 1, "chunk_size": 8},
    "recurrent_gemma": {**GROUPED, "lru_width": 16, "attention_window_size": 8,
                        "block_types": ["recurrent", "attention"]},
}  # fmt: skip
_ENCODERS = {
    "bert": TEXT, "roberta": TEXT, "electra": {**TEXT, "embedding_size": 16}, "albert": {**TEXT, "embedding_size": 8},
    "distilbert": {"vocab_size": VOCABULARY, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32},
    "deberta-v2": TEXT, "mpnet": TEXT, "camembert": TEXT, "convbert": {**TEXT, "embedding_size": 16}, "fnet": TEXT,
    "squeezebert": {**TEXT, "embedding_size": 16, "q_groups": 2, "k_groups": 2, "v_groups": 2,
                    "post_attention_groups": 2,
                    "intermediate_groups": 2, "output_groups": 2},
    "nystromformer": {**TEXT, "segment_means_seq_len": LENGTH, "num_landmarks": 4}, "modernbert": TEXT,
}  # fmt: skip
_PAIRS = {
    "bart": PAIR, "mbart": PAIR, "pegasus": PAIR, "marian": PAIR, "blenderbot": PAIR, "m2m_100": PAIR, "t5": T5,
    "mt5": T5, "longt5": T5, "switch_transformers": {**T5, "num_experts": 2, "num_sparse_encoder_layers": 1,
                                                      "num_sparse_decoder_layers": 1},
}  # fmt: skip
_IMAGES = {
    "vit": IMAGE, "deit": {**IMAGE, "architectures": ["DeiTForImageClassification"]},  # the Auto class knows two
    "beit": IMAGE, "dinov2": IMAGE, "vit_msn": IMAGE,
    "swin": {"image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2],
             "window_size": 4, "num_labels": 3},
    "convnext": {"num_labels": 3, "hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2},
    "resnet": STAGES, "regnet": {**STAGES, "groups_width": 4},
    "poolformer": {"num_labels": 3, "hidden_sizes": [8, 16], "depths": [1, 1], "num_encoder_blocks": 2},
}  # fmt: skip
_WAVES = {"wav2vec2": WAVE, "hubert": WAVE, "wavlm": WAVE}
_WHISPER = {**PAIR, "num_mel_bins": 8, "max_source_positions": 20, "max_target_positions": 64}

ARCHITECTURES: tuple[Architecture, ...] = (
    *_all("decoder", "AutoModelForCausalLM", tokens, _DECODERS),
    *_all("mixture of experts", "AutoModelForCausalLM", tokens, _EXPERTS),
    *_all("state space", "AutoModelForCausalLM", tokens, _SPACES),
    *_all("encoder", "AutoModelForMaskedLM", tokens, _ENCODERS),
    *_all("encoder-decoder", "AutoModelForSeq2SeqLM", tokens, _PAIRS),
    *_all("vision", "AutoModelForImageClassification", image, _IMAGES),
    *_all("audio", "AutoModelForCTC", wave, _WAVES),
    *_all("audio", "AutoModelForSpeechSeq2Seq", spectrogram, {"whisper": _WHISPER}),
)


def architectures() -> list[Program]:
    """Return them all, to be swept."""
    return [Program(one.name, one.family, one.begin) for one in ARCHITECTURES]
