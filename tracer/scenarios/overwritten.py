"""The step is taken, and then the old values are put back.

The loop keeps "the best weights so far" and restores them after every epoch that was not better. The comparison has
the wrong sign, so it restores always. Each step moves the weights, and ``load_state_dict`` moves them back.

The lesson: check values at the *end* of the loop body, not right after ``step``.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Does a step use it?"
PLACE = 7
STEPS = 3
EXPECTED = {
    "0.weight": "overwritten",
    "0.bias": "overwritten",
    "2.weight": "overwritten",
    "2.bias": "overwritten",
}
FINDINGS = {"TR502"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    import copy

    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    best, best_weights = float("inf"), copy.deepcopy(net.state_dict())
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
        if loss.item() > best:
            best, best_weights = loss.item(), copy.deepcopy(net.state_dict())
        else:
            net.load_state_dict(best_weights)
