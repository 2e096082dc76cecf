"""The training steps that are measured: a model, an optimizer, a batch and a loss each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from benchmarks.resnet import ResNet50


@dataclass
class Training:
    """One training step, ready to run again and again."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    inputs: torch.Tensor
    loss: Callable[[], torch.Tensor]  #: runs the forward pass

    def step(self) -> None:
        self.optimizer.zero_grad()
        self.loss().backward()
        self.optimizer.step()


def mlp() -> Training:
    """Six layers of 512, batch 256: few operations, each of moderate size."""
    widths = [512] * 6
    layers = [part for n in widths for part in (nn.Linear(n, n), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(512, 10))
    x, y = torch.randn(256, 512), torch.randint(0, 10, (256,))
    return _training(model, x, lambda: nn.functional.cross_entropy(model(x), y))


def resnet50(batch: int = 8, size: int = 112) -> Training:
    """The shape of ResNet-50, batch 8 of 112 x 112."""
    model = ResNet50(classes=100)
    x, y = torch.randn(batch, 3, size, size), torch.randint(0, 100, (batch,))
    return _training(model, x, lambda: nn.functional.cross_entropy(model(x), y))


def gpt2(batch: int = 4, length: int = 128) -> Training:
    """GPT-2, 12 layers, n_embd 256, batch 4 x 128."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(n_layer=12, n_embd=256, n_head=8, vocab_size=5000, n_positions=256, use_cache=False)
    model = GPT2LMHeadModel(config)
    ids = torch.randint(0, 5000, (batch, length))
    training = _training(model, ids, lambda: model(input_ids=ids, labels=ids).loss)
    training.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    return training


def gpt2_large_batch() -> Training:
    """The same transformer with a batch of 16 x 128."""
    return gpt2(16, 128)


def lstm(steps: int = 200) -> Training:
    """An LSTM cell unrolled in Python over 200 time steps."""
    cell, head = nn.LSTMCell(32, 128), nn.Linear(128, 1)
    model = nn.ModuleList([cell, head])
    x = torch.randn(steps, 32, 32)

    def loss() -> torch.Tensor:
        h = c = torch.zeros(32, 128)
        for t in range(steps):
            h, c = cell(x[t], (h, c))
        return head(h).square().mean()

    return _training(model, x, loss)


class Chain(nn.Module):
    """So many multiplications of eight numbers: nothing but overhead."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length
        self.weight = nn.Parameter(torch.ones(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * self.weight
        for _ in range(self.length):
            y = y * 1.0001
        return y


def chain(length: int = 100_000) -> Training:
    """A chain of 100,000 tiny operations: the worst case."""
    model = Chain(length)
    x = torch.full((8,), 1e-5)
    return _training(model, x, lambda: model(x).sum())


def _training(model: nn.Module, inputs: torch.Tensor, loss: Callable[[], torch.Tensor]) -> Training:
    return Training(model, torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9), inputs, loss)


WORKLOADS: dict[str, Callable[[], Training]] = {
    "mlp": mlp,
    "resnet50": resnet50,
    "gpt2-12": gpt2,
    "gpt2-12-large-batch": gpt2_large_batch,
    "lstm-200": lstm,
    "chain-100k": chain,
}
