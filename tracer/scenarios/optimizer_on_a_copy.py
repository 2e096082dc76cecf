"""The optimizer was built from the model, the loop trains a deep copy of it: nothing moves.

``copy.deepcopy`` makes new parameters with equal values. The copy runs forward and gets gradients; the optimizer holds
the parameters of the original, whose ``.grad`` is None, and steps over all of them without a word.

The lesson: when every loss of a run is the same to the last digit, ask which model the optimizer holds.

Source: https://docs.pytorch.org/docs/stable/optim.html#constructing-it
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What makes a parameter train"
PLACE = 7
STEPS = 2
EXPECTED = {
    "0.weight": "stale_in_optimizer",
    "0.bias": "stale_in_optimizer",
    "2.weight": "stale_in_optimizer",
    "2.bias": "stale_in_optimizer",
}
FINDINGS = {"TR102"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    import copy

    torch.manual_seed(seed)
    original = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.Adam(original.parameters(), lr=1e-2)
    net = copy.deepcopy(original)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
