"""A mask on the gradients, meant to keep pruned weights at zero, removes every gradient.

After pruning, gradients are often multiplied by a mask between backward and step, so that removed weights stay removed.
The threshold of this mask was chosen for a trained network; in this one all weights are smaller, and the mask is zero
everywhere. Backward did its work, the norm logged right after it looks healthy, and the step applies nothing.

Clipping with ``clip_grad_norm_`` rewrites gradients too. That is known and limited, so nothing is said of it (see
``clipping``).

The lesson: between ``backward`` and ``step`` anything may write ``.grad``. Look at it where it is *used*.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.grad.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Does a step use it?"
PLACE = 3
STEPS = 3
EXPECTED = {
    "0.weight": "replaced_grad",
    "0.bias": "replaced_grad",
    "2.weight": "replaced_grad",
    "2.bias": "replaced_grad",
}
FINDINGS = {"TR307"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    nn = torch.nn
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    masks = {parameter: (parameter.detach().abs() > 1.0).float() for parameter in net.parameters()}
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        for parameter, mask in masks.items():
            parameter.grad *= mask
        optimizer.step()
