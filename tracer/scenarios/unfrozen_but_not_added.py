"""A backbone that is unfrozen half way, but that the optimizer was never told about.

The optimizer was built from the parameters that required grad *then*: the head's. After two steps of warming up the
head, ``requires_grad_(True)`` wakes the backbone. Its gradients arrive and are right; only nobody steps them. They are
not even cleared, since ``optimizer.zero_grad()`` clears what the optimizer holds, so they grow with every step.

Scenario ``unfreeze_later`` adds the one line that is missing: ``optimizer.add_param_group``.

The lesson: ``requires_grad`` is read at every forward; an optimizer's list is read once, when it is built.

Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.add_param_group.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What makes a parameter train"
PLACE = 5
STEPS = 4
EXPECTED = {
    "backbone.weight": "not_in_optimizer",
    "backbone.bias": "not_in_optimizer",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS = {"TR101"}


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
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for step in range(steps):
        if step == steps // 2:
            net.backbone.requires_grad_(True)
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
