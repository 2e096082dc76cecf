"""Layers kept in a plain Python list: they run and get gradients, but parameters() does not know them.

``nn.Module`` notices a submodule when it is assigned to an attribute. A list is no module, so what is inside stays
unseen: ``parameters()`` leaves it out, and so do ``to(device)``, ``state_dict()`` and the optimizer.

``torch.nn.ModuleList`` is a list that registers what it holds.

The lesson: count ``sum(p.numel() for p in net.parameters())`` once, and see whether the number is what you built.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What makes a parameter train"
PLACE = 8
STEPS = 2
EXPECTED = {
    "layers[0].weight": "not_registered",
    "layers[0].bias": "not_registered",
    "layers[1].weight": "not_registered",
    "layers[1].bias": "not_registered",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS = {"TR104"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = [torch.nn.Linear(4, 4, device=device) for _ in range(2)]
            self.head = torch.nn.Linear(4, 1, device=device)

        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                x = torch.tanh(layer(x))
            return self.head(x)

    torch.manual_seed(seed)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
