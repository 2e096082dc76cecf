"""Two backward calls through one graph: the second needs retain_graph on the first, and adds to it.

Backward frees what it no longer needs while it walks. A second walk over the same part ends in "Trying to backward
through the graph a second time", unless the first was told ``retain_graph=True``. Here two losses share the trunk and
are backpropagated one after the other; the trunk's ``.grad`` is the sum.

The lesson: ``retain_graph=True`` belongs to several losses over one forward. Where it only silences an error in a
loop, a value from an earlier step is still attached: detach that instead.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "How gradients add up"
PLACE = 5
STEPS = 2
EXPECTED = {
    "trunk.weight": "updated",
    "trunk.bias": "updated",
    "left.weight": "updated",
    "left.bias": "updated",
    "right.weight": "updated",
    "right.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.trunk = torch.nn.Linear(4, 8)
            self.left = torch.nn.Linear(8, 1)
            self.right = torch.nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            hidden = torch.tanh(self.trunk(x))
            return self.left(hidden), self.right(hidden)

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        a, b = net(x)
        first, second = (a - y).pow(2).mean(), (b + y).pow(2).mean()
        first.backward(retain_graph=True)
        second.backward()
        optimizer.step()
