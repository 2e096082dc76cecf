"""A tensor taken apart into a list and put together again: torch.tensor() starts a new history.

``tolist()`` gives plain numbers, and ``torch.tensor(numbers)`` makes a *leaf*: a tensor with no past. It is the
same as ``detach()``, only better hidden. ``torch.stack`` and ``torch.cat`` join tensors and keep their history.

The lesson: building a tensor from Python numbers always cuts. Build it from tensors.

Source: https://docs.pytorch.org/docs/stable/generated/torch.tensor.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 5
STEPS = 3
EXPECTED = {
    "profile.weight": "cut",
    "profile.bias": "cut",
    "readout.weight": "updated",
    "readout.bias": "updated",
}
FINDINGS = {"TR202"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.profile = torch.nn.Linear(3, 4)
            self.readout = torch.nn.Linear(4, 1)

        def forward(self, x: Any) -> Any:
            rows = [self.profile(row).tolist() for row in x]
            return self.readout(torch.tensor(rows, device=x.device))

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    x, y = torch.randn(6, 3, device=device), torch.randn(6, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
