"""A loss without history, silenced with requires_grad_(): backward runs, and trains nothing.

The loss was averaged from Python numbers, so it has no ``grad_fn`` and ``backward`` refuses: "element 0 of tensors
does not require grad". A search engine suggests ``loss.requires_grad_()``. Now the loss is a *leaf* that requires
grad; ``backward`` puts a 1 into ``loss.grad`` and is done. The error is gone, and so is the training.

The lesson: that error is a diagnosis, not an obstacle. Find where the history ended.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.requires_grad_.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 8
STEPS = 3
EXPECTED = {
    "0.weight": "detached_loss",
    "0.bias": "detached_loss",
    "2.weight": "detached_loss",
    "2.bias": "detached_loss",
}
FINDINGS = {"TR205"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(8, 4, device=device), torch.randn(8, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        errors = [(net(row) - target).pow(2).mean().item() for row, target in zip(x, y, strict=True)]
        loss = torch.tensor(sum(errors) / len(errors), device=device)
        loss.requires_grad_()
        loss.backward()
        optimizer.step()
