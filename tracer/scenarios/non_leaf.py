"""A "parameter" that was scaled after it was made: it is a result now, and results keep no gradient.

``torch.randn(..., requires_grad=True) * 0.1`` is the product, not the tensor that was made. The attribute holds a
tensor with a ``grad_fn``; the leaf behind it has no name any more. Autograd stores ``.grad`` on leaves only, and
``parameters()`` lists ``nn.Parameter`` only. So the attribute takes part in every loss and never changes.

``nn.Parameter(0.1 * torch.randn(...))`` scales first and wraps last.

The lesson: ``tensor.is_leaf`` must be True for what should train.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.is_leaf.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What makes a parameter train"
PLACE = 9
STEPS = 1
EXPECTED = {
    "offset": "non_leaf",
    "linear.weight": "updated",
    "linear.bias": "updated",
}
FINDINGS = {"TR105"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(4, 3)
            self.offset = torch.randn(3, device=device, requires_grad=True) * 0.1

        def forward(self, x: Any) -> Any:
            return self.linear(x) + self.offset

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 3, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
