"""A hard choice that trains: gumbel_softmax picks one option and still passes a gradient.

``argmax`` has no derivative and stops everything (see scenario ``argmax``). Gumbel-softmax samples the same kind of
one-hot choice, and in backward behaves like the soft distribution that it was drawn from: a straight-through
estimator with noise.

The lesson: when a discrete choice must be learned, replace the op, not the optimizer.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gumbel_softmax.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 6
STEPS = 3
EXPECTED = {
    "choose.weight": "updated",
    "choose.bias": "updated",
    "read.weight": "updated",
    "read.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Chooser(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.choose = torch.nn.Linear(4, 3)
            self.read = torch.nn.Linear(3, 1)

        def forward(self, x: Any) -> Any:
            choice = torch.nn.functional.gumbel_softmax(self.choose(x), tau=1.0, hard=True)
            return self.read(choice)

    torch.manual_seed(seed)
    net = Chooser().to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
