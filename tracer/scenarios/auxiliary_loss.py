"""Two losses, one sum: the trunk gets the gradients of both, each head only that of its own.

``(main + 0.3 * auxiliary).backward()`` walks the graph once. Where the paths meet, in the trunk, the contributions
are added, the second one weighted by 0.3. The heads lie on one path each.

Calling backward twice instead would give the same numbers in ``.grad``, because backward adds; it would only need
``retain_graph=True`` for the part that both share.

The lesson: a weighted sum of losses is a weighted sum of gradients, in every parameter that both reach.

Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.backward.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "How gradients add up"
PLACE = 4
STEPS = 3
EXPECTED = {
    "trunk.weight": "updated",
    "trunk.bias": "updated",
    "main.weight": "updated",
    "main.bias": "updated",
    "auxiliary.weight": "updated",
    "auxiliary.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.trunk = torch.nn.Linear(4, 8)
            self.main = torch.nn.Linear(8, 1)
            self.auxiliary = torch.nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            hidden = torch.tanh(self.trunk(x))
            return self.main(hidden), self.auxiliary(hidden)

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    labels = torch.randint(3, (16,), device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        value, scores = net(x)
        main = (value - y).pow(2).mean()
        auxiliary = torch.nn.functional.cross_entropy(scores, labels)
        loss = main + 0.3 * auxiliary
        loss.backward()
        optimizer.step()
