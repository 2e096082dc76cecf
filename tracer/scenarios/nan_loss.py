"""The printed loss is NaN, yet every gradient is finite and the model trains.

A constant was added to the loss, the log-prior of an empty class: ``0 * log(0)`` is NaN in floating point. A constant
has no gradient, so backward never meets it; but the number that is printed, averaged, compared for early stopping and
stored as "best" is NaN, and every comparison with NaN is False.

The lesson: a NaN loss does not prove NaN gradients, nor the reverse. Look at both.

Source: https://docs.pytorch.org/docs/stable/generated/torch.special.xlogy.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What is the gradient worth?"
PLACE = 8
STEPS = 3
EXPECTED = {
    "0.weight": "updated",
    "0.bias": "updated",
    "2.weight": "updated",
    "2.bias": "updated",
}
FINDINGS = {"TR308"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    nn = torch.nn
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, labels = torch.randn(16, 4, device=device), torch.randint(2, (16,), device=device)
    share = torch.bincount(labels, minlength=3) / len(labels)
    entropy = -(share * share.log()).sum()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels) - entropy
        loss.backward()
        optimizer.step()
