"""Gradual unfreezing done right: the backbone joins the optimizer when it wakes.

The head learns alone for two steps. Then the backbone gets ``requires_grad_(True)`` *and* a param group, with a
smaller learning rate, as fine-tuning recipes advise. From that step on its gradients are computed and applied.

The lesson: unfreezing takes two lines, one for autograd and one for the optimizer (see ``unfrozen_but_not_added``).

Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.add_param_group.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 2
STEPS = 4
EXPECTED = {
    "backbone.weight": "updated",
    "backbone.bias": "updated",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.backbone = torch.nn.Linear(4, 8)
            self.head = torch.nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            return self.head(torch.tanh(self.backbone(x)))

    torch.manual_seed(seed)
    net = Net().to(device)
    net.backbone.requires_grad_(False)
    optimizer = torch.optim.SGD(net.head.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for step in range(steps):
        if step == steps // 2:
            net.backbone.requires_grad_(True)
            optimizer.add_param_group({"params": list(net.backbone.parameters()), "lr": 0.01})
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
