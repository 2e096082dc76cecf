"""A no_grad block left around half of forward: what runs inside leaves no history.

Inside ``torch.no_grad()`` every result has ``requires_grad=False``, whatever it was computed from. The block was
once put around the embedding to save memory while it was frozen; now that it should train, the block still
swallows its history.

The op inside the block is not at fault, so a good report names two lines: the op where the history ends, and the
``with`` that ended it.

The lesson: whether an op is recorded is decided by the mode in which it *runs*, not by ``requires_grad`` of its
inputs alone.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#locally-disabling-gradient-computation
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 2
STEPS = 3
EXPECTED = {
    "embed.weight": "cut",
    "embed.bias": "cut",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS = {"TR202"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Linear(4, 8)
            self.head = torch.nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            with torch.no_grad():
                features = torch.relu(self.embed(x))
            return self.head(features)

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
