"""Small models of other packages as people train them: graph networks, x-transformers, vit-pytorch, an Ignite loop."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from benchmarks.sweeping import Program, Training

Loss = Callable[[], torch.Tensor]


def programs() -> list[Program]:
    """Return all of them, by package."""
    return [*_graphs(), *_x_transformers(), *_vits(), Program("supervised trainer", "pytorch-ignite", _ignite)]


def trained(model: nn.Module, loss: Loss, parts: str = "") -> Training:
    """Return AdamW steps on a loss that is computed anew each time; ``parts``: what the names begin with that train."""
    parameters = [p for name, p in model.named_parameters() if name.startswith(tuple(parts.split()) or "")]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return Training(model, optimizer, step)


# --------------------------------------------------------------------------- torch_geometric


def _graphs() -> list[Program]:
    models = {
        "GCN": {}, "GAT": {"heads": 2}, "GraphSAGE": {}, "GIN": {}, "PNA": {
            "aggregators": ["mean", "max"], "scalers": ["identity"], "deg": torch.tensor([0, 4, 8, 8])},
        "GCN with batch norm and jumping knowledge": {"norm": "batch_norm", "jk": "cat"},
    }  # fmt: skip
    return [
        Program(name, "torch_geometric", partial(_graph, name.split()[0], arguments))
        for name, arguments in models.items()
    ]


def _graph(cls: str, arguments: dict[str, Any]) -> Training:
    from torch_geometric.nn import models

    model = getattr(models, cls)(in_channels=8, hidden_channels=16, num_layers=2, out_channels=3, **arguments)
    features, edges = torch.randn(20, 8), torch.randint(0, 20, (2, 60))
    classes = torch.randint(0, 3, (20,))
    return trained(model, lambda: nn.functional.cross_entropy(model(features, edges), classes))


# --------------------------------------------------------------------------- x-transformers


def _x_transformers() -> list[Program]:
    layers = {
        "decoder": {}, "decoder, rotary, RMSNorm, SwiGLU": {
            "rotary_pos_emb": True, "use_rmsnorm": True, "ff_swish": True, "ff_glu": True},
        "decoder, ALiBi, grouped queries": {"alibi_pos_bias": True, "attn_kv_heads": 1},
        "decoder, gated residuals, memory keys": {"gate_residual": True, "attn_num_mem_kv": 2},
    }  # fmt: skip
    found = [Program(name, "x-transformers", partial(_decoder, arguments)) for name, arguments in layers.items()]
    return [
        *found,
        Program("encoder-decoder", "x-transformers", _pair),
        Program("vision transformer", "x-transformers", _patches),
    ]


def _decoder(arguments: dict[str, Any]) -> Training:
    from x_transformers import AutoregressiveWrapper, Decoder, TransformerWrapper

    layers = Decoder(dim=16, depth=2, heads=2, attn_dim_head=8, **arguments)
    model = AutoregressiveWrapper(TransformerWrapper(num_tokens=32, max_seq_len=16, attn_layers=layers))
    return trained(model, lambda: model(torch.randint(0, 32, (2, 12))))


def _pair() -> Training:
    from x_transformers import XTransformer

    sizes = {"num_tokens": 32, "depth": 1, "heads": 2, "max_seq_len": 16}
    sides = {f"{side}_{name}": size for side in ("enc", "dec") for name, size in sizes.items()}
    model = XTransformer(dim=16, **sides)
    return trained(model, lambda: model(torch.randint(0, 32, (2, 10)), torch.randint(0, 32, (2, 12))))


def _patches() -> Training:
    from x_transformers import Encoder, ViTransformerWrapper

    layers = Encoder(dim=16, depth=2, heads=2, attn_dim_head=8)
    return _classified(ViTransformerWrapper(image_size=32, patch_size=8, num_classes=3, attn_layers=layers))


# --------------------------------------------------------------------------- vit-pytorch


def _vits() -> list[Program]:
    common = {"image_size": 32, "patch_size": 8, "num_classes": 3, "dim": 16, "depth": 2, "heads": 2, "mlp_dim": 32}
    short = {name: size for name, size in common.items() if name not in ("image_size", "patch_size")}
    models: dict[str, tuple[str, dict[str, Any]]] = {
        "ViT": ("vit", common), "SimpleViT": ("simple_vit", common), "DeepViT": ("deepvit", common),
        "CaiT": ("cait", {**common, "cls_depth": 1}),
        "ViT with parallel branches": ("parallel_vit", {**common, "num_parallel_branches": 2}),
        "CCT": ("cct", {"img_size": 32, "embedding_dim": 16, "n_conv_layers": 1, "num_layers": 2, "num_heads": 2,
                        "mlp_ratio": 1.0, "num_classes": 3}),
        "PiT": ("pit", {**common, "depth": (1, 1)}),
        "LeViT": ("levit", {"image_size": 128, "num_classes": 3, "dim": (16, 16, 16), "depth": 1, "heads": (2, 2, 2),
                            "mlp_mult": 2}),
        "T2TViT": ("t2t", {**short, "image_size": 32, "t2t_layers": ((7, 4), (3, 2))}),
        "CvT": ("cvt", {"num_classes": 3, **{f"s{i}_{name}": size for i in (1, 2, 3) for name, size in {
            "emb_dim": 8, "heads": 1, "depth": 1, "mlp_mult": 2}.items()}}),
        "MobileViT": ("mobile_vit", {"image_size": (128, 128), "dims": [16, 16, 16], "num_classes": 3,
                                     "depths": (1, 1, 1), "channels": [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 16]}),
        "XCiT": ("xcit", {**common, "cls_depth": 1}),
    }  # fmt: skip
    found = [Program(name, "vit-pytorch", partial(_vit, name.split()[0], *made)) for name, made in models.items()]
    return [*found, Program("distillation", "vit-pytorch", _distilled)]


def _vit(cls: str, module: str, arguments: dict[str, Any]) -> Training:
    size = 128 if cls in ("LeViT", "CvT", "MobileViT") else 32  # these halve the image several times
    return _classified(getattr(_part(module), cls)(**arguments), size)


def _part(module: str) -> Any:
    """Import a module of vit-pytorch without the package's own first lines: those want torchvision.

    A torchvision of the package index is built for a torch with CUDA and fails beside one without; the models do
    not use it.
    """
    if "vit_pytorch" not in sys.modules:
        spec = importlib.util.find_spec("vit_pytorch")
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError("vit_pytorch is not installed")
        package = types.ModuleType("vit_pytorch")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["vit_pytorch"] = package
    return importlib.import_module(f"vit_pytorch.{module}")


def _classified(model: nn.Module, size: int = 32) -> Training:
    images, classes = torch.randn(4, 3, size, size), torch.randint(0, 3, (4,))
    return trained(model, lambda: nn.functional.cross_entropy(model(images), classes))


def _distilled() -> Training:
    teacher = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.Flatten(), nn.Linear(64, 3))
    student = _part("distill").DistillableViT(
        image_size=32, patch_size=8, num_classes=3, dim=16, depth=1, heads=2, mlp_dim=32
    )
    model = _part("distill").DistillWrapper(student=student, teacher=teacher, temperature=3, alpha=0.5, hard=False)
    return trained(model, lambda: model(torch.randn(4, 3, 32, 32), torch.randint(0, 3, (4,))), "student distill")


# --------------------------------------------------------------------------- pytorch-ignite


def _ignite() -> Training:
    from ignite.engine import create_supervised_trainer

    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    trainer = create_supervised_trainer(model, optimizer, nn.functional.mse_loss)
    batch = torch.randn(8, 4), torch.randn(8, 1)
    return Training(model, optimizer, lambda: trainer.run([batch], max_epochs=1))
