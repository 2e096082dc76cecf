"""A gradient penalty: the gradient is part of the loss, so it is differentiated once more.

``autograd.grad(..., create_graph=True)`` records the backward pass itself. The penalty is computed from the gradient
with respect to the *input*, and its own backward runs through that record down to the critic's weights. That is how
Wasserstein GANs keep their critic smooth.

The critic's last bias gets no part in the penalty, since it adds a constant; it learns from the other term.

The lesson: with ``create_graph=True`` a gradient is a tensor like any other, with a history.

Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 3
STEPS = 2
EXPECTED = {
    "0.weight": "updated",
    "0.bias": "updated",
    "2.weight": "updated",
    "2.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    nn = torch.nn
    torch.manual_seed(seed)
    critic = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-2)
    for _ in range(steps):
        x = torch.randn(16, 4, device=device, requires_grad=True)
        score = critic(x)
        (slope,) = torch.autograd.grad(score.sum(), x, create_graph=True)
        penalty = (slope.norm(dim=1) - 1).pow(2).mean()
        optimizer.zero_grad()
        loss = (score - 1).pow(2).mean() + 10 * penalty
        loss.backward()
        optimizer.step()
