"""A frozen backbone under a new head: the classical transfer learning, with nothing to repair.

``requires_grad_(False)`` on the backbone saves time and memory: backward stops where the head begins, because nothing
further down wants a gradient. The optimizer gets the head's parameters only.

Batch normalization inside a frozen backbone needs ``backbone.eval()`` besides: its running statistics move in every
training forward, gradients or not.

The lesson: freezing is a statement about parameters. A report should say "frozen, as meant" and be quiet.

Source: https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 1
STEPS = 3
EXPECTED = {
    "backbone.0.weight": "frozen",
    "backbone.0.bias": "frozen",
    "backbone.2.weight": "frozen",
    "backbone.2.bias": "frozen",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            nn = torch.nn
            self.backbone = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU())
            self.head = nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            return self.head(self.backbone(x))

    torch.manual_seed(seed)
    net = Net().to(device)
    net.backbone.requires_grad_(False)
    optimizer = torch.optim.Adam(net.head.parameters(), lr=1e-2)
    x, labels = torch.randn(16, 4, device=device), torch.randint(3, (16,), device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
