"""A compiled network: one node where the eager graph had many, and the same gradients.

``torch.compile`` captures forward and backward as programs of their own; autograd sees a single
``CompiledFunctionBackward`` with all parameters below it. Lines and modules inside are out of sight, but what arrives
in ``.grad`` is seen all the same.

The lesson: to find *where* a gradient is lost, look at the eager network first; compile when it learns.

Source: https://docs.pytorch.org/docs/stable/generated/torch.compile.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 13
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
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    fast = torch.compile(net, backend="aot_eager")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (fast(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
