"""Two optimizers hold the same head: each step moves it twice.

One optimizer was built for the whole network; later a second one, with a learning rate of its own, for the head alone.
Nobody took the head out of the first. Both find the same ``.grad`` and both apply it, so the head moves with the sum
of the two learning rates, and each optimizer keeps a momentum that the other one disturbs.

Inside *one* optimizer PyTorch refuses this: "some parameters appear in more than one parameter group". It cannot see
a second optimizer.

The lesson: every parameter should have exactly one owner; split the list before the first optimizer is built.

Source: https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What makes a parameter train"
PLACE = 10
STEPS = 3
EXPECTED = {
    "body.weight": "updated",
    "body.bias": "updated",
    "head.weight": "duplicate_in_optimizer",
    "head.bias": "duplicate_in_optimizer",
}
FINDINGS = {"TR103"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Linear(4, 8)
            self.head = torch.nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            return self.head(torch.tanh(self.body(x)))

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    head_optimizer = torch.optim.SGD(net.head.parameters(), lr=0.2)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
        head_optimizer.step()
