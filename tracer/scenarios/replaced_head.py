"""The head is replaced after the optimizer was built: the optimizer trains the old one.

An optimizer holds *tensors*, not names. ``net.head = Linear(...)`` gives the network a new head with new tensors; the
optimizer keeps the old ones, which nothing computes with any more. The new head gets a gradient at every step and
never moves.

The same happens with a deep copy of the model, with ``load_state_dict(assign=True)``, and with layers that resize
themselves.

The lesson: build the optimizer last, or tell it with ``add_param_group``.

Source: https://docs.pytorch.org/docs/stable/optim.html#constructing-it
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What makes a parameter train"
PLACE = 6
STEPS = 2
EXPECTED = {
    "body.weight": "updated",
    "body.bias": "updated",
    "head.weight": "stale_in_optimizer",
    "head.bias": "stale_in_optimizer",
}
FINDINGS = {"TR102"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Linear(4, 8)
            self.head = torch.nn.Linear(8, 10)

        def forward(self, x: Any) -> Any:
            return self.head(torch.tanh(self.body(x)))

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net.head = torch.nn.Linear(8, 3).to(device)
    x, labels = torch.randn(16, 4, device=device), torch.randint(3, (16,), device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
