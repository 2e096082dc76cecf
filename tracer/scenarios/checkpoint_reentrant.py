"""Reentrant checkpointing of the first layers: no input requires grad, so nothing inside gets a gradient.

Checkpointing saves memory: it runs a block without history and runs it again when the gradient is needed. The
reentrant kind decides whether it will be needed by looking at the block's *inputs*. The first block of a network
gets the data, which does not require grad, so its output does not either, and its parameters are cut off. PyTorch
says so once, in a warning that is easy to lose: "None of the inputs have requires_grad=True".

Cures: ``use_reentrant=False``, or ``x.requires_grad_()`` before the block (Hugging Face's
``enable_input_require_grads`` does that).

The lesson: prefer ``use_reentrant=False``; scenario ``checkpoint_non_reentrant`` shows the same network with it.

Source: https://docs.pytorch.org/docs/stable/checkpoint.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 11
STEPS = 2
EXPECTED = {
    "stem.0.weight": "cut",
    "stem.0.bias": "cut",
    "stem.2.weight": "cut",
    "stem.2.bias": "cut",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS = {"TR202", "TR206"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    from torch.utils.checkpoint import checkpoint

    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            nn = torch.nn
            self.stem = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh())
            self.head = nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            return self.head(checkpoint(self.stem, x, use_reentrant=True))

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
