"""A layer that is built and optimized, but never called in forward.

The auxiliary head was written for a later experiment. It is registered, it requires grad and the optimizer holds
it; only no value of it ever reaches the loss. ``backward`` cannot reach it either, its ``.grad`` stays None and it
keeps its random start.

On one device this is harmless and merely wasteful. Under ``DistributedDataParallel`` the same model stops with an
error, because the ranks wait for a gradient that never comes.

The lesson: a gradient reaches only what took part in computing the loss.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.parallel.DistributedDataParallel.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 12
STEPS = 3
EXPECTED = {
    "body.weight": "updated",
    "body.bias": "updated",
    "main_head.weight": "updated",
    "main_head.bias": "updated",
    "extra_head.weight": "unused",
    "extra_head.bias": "unused",
}
FINDINGS = {"TR201"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Linear(4, 8)
            self.main_head = torch.nn.Linear(8, 1)
            self.extra_head = torch.nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            return self.main_head(torch.tanh(self.body(x)))

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
