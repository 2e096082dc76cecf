"""One param group has learning rate 0: gradient, step and momentum all work, times nothing.

The backbone's group was given ``lr=0.0`` to hold it still for one experiment. Everything a debugger looks at is in
order: ``requires_grad``, ``.grad``, membership, and ``step`` even runs over it. The product of all that with 0 is 0.

Freezing with ``requires_grad_(False)`` says what is meant and saves the gradient's cost. A warm-up that *starts* at 0
is fine: the rate rises in later steps.

The lesson: print ``optimizer.param_groups[i]["lr"]``; schedulers change it where you do not look.

Source: https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Does a step use it?"
PLACE = 4
STEPS = 3
EXPECTED = {
    "backbone.weight": "lr_zero",
    "backbone.bias": "lr_zero",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS = {"TR403"}


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
    groups = [
        {"params": net.backbone.parameters(), "lr": 0.0},
        {"params": net.head.parameters()},
    ]
    optimizer = torch.optim.Adam(groups, lr=1e-2)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
