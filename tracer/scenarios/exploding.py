"""Eight sine layers with the frequency of a SIREN but without its initialization: gradients grow with every layer.

``sin(30 * layer(x))`` has slopes up to 30. A SIREN therefore starts with weights about thirty times smaller; with the
default ones backward multiplies by a factor of five to ten at each layer. The first layer's gradient is millions of
times that of the last, and a learning rate that suits the one throws the other far away.

Clipping the norm only shortens the arrow; its direction is still that of the bottom layers. Initialization and
normalization cure the cause.

The lesson: look at gradient norms by depth, not at their sum.

Source: https://arxiv.org/abs/2006.09661
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What is the gradient worth?"
PLACE = 6
STEPS = 2
EXPECTED = {
    "layers.0.weight": "exploding",
    "layers.0.bias": "exploding",
    "layers.1.weight": "exploding",
    "layers.1.bias": "exploding",
    "layers.2.weight": "exploding",
    "layers.2.bias": "exploding",
    "layers.3.weight": "exploding",
    "layers.3.bias": "exploding",
    "layers.4.weight": "updated",
    "layers.4.bias": "updated",
    "layers.5.weight": "updated",
    "layers.5.bias": "updated",
    "layers.6.weight": "updated",
    "layers.6.bias": "updated",
    "layers.7.weight": "updated",
    "layers.7.bias": "updated",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS = {"TR303"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Siren(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList([torch.nn.Linear(16, 16) for _ in range(8)])
            self.head = torch.nn.Linear(16, 1)

        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                x = torch.sin(30 * layer(x))
            return self.head(x)

    torch.manual_seed(seed)
    net = Siren().to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    x, y = torch.randn(16, 16, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
