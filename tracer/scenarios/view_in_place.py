"""Writing through a view: the buffer joins the graph, and backward takes the written part out again.

``out[:, :2] = ...`` writes into a slice of a buffer of zeros, which has no history. From then on it has one:
``CopySlices`` nodes, one per write. Backward splits the gradient: the slice's part goes to what was written, the rest
goes on to what was there before.

The lesson: an assignment to a slice is an op like any other. Only ``.data`` and ``no_grad`` make it invisible.

Source: https://docs.pytorch.org/docs/stable/tensor_view.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 9
STEPS = 3
EXPECTED = {
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
            self.left = torch.nn.Linear(4, 2)
            self.right = torch.nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            out = x.new_zeros(len(x), 4)
            out[:, :2] = self.left(x)
            out[:, 2:] = self.right(x)
            return out

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 4, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
