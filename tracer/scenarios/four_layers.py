"""The network of the first scenarios: four small linear layers with round numbers, and one step of SGD."""

from __future__ import annotations

from typing import Any


def build(torch: Any, device: Any, *, d_requires_grad: bool) -> Any:
    """Return the network: a -> b, then the sum of c and d. ``c_Linear`` never requires grad."""

    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.a_Linear = torch.nn.Linear(1, 2)
            self.b_Linear = torch.nn.Linear(2, 2)
            self.c_Linear = torch.nn.Linear(2, 1)
            self.d_Linear = torch.nn.Linear(2, 1)

        def forward(self, x: Any) -> Any:
            hidden = self.b_Linear(self.a_Linear(x))
            return self.d_Linear(hidden) + self.c_Linear(hidden)

    net = Net()
    set_numbers(torch, net)
    net.c_Linear.requires_grad_(False)
    net.d_Linear.requires_grad_(d_requires_grad)
    return net.to(device)


def set_numbers(torch: Any, net: Any) -> None:
    """Give the layers their numbers; ``a_Linear.bias`` has one element and broadcasts."""
    net.a_Linear.weight.data = torch.tensor([[5.0], [7.0]])
    net.a_Linear.bias.data = torch.tensor([3.0])
    net.b_Linear.weight.data = torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    net.b_Linear.bias.data = torch.tensor([9.0, 10.0])
    net.c_Linear.weight.data = torch.tensor([[1.0, 2.0]])
    net.c_Linear.bias.data = torch.tensor([3.0])
    net.d_Linear.weight.data = torch.tensor([[7.0, 8.0]])
    net.d_Linear.bias.data = torch.tensor([9.0])


def train(torch: Any, device: Any, net: Any, steps: int, *, d_registered: bool) -> None:
    """Take ``steps`` steps; the optimizer holds ``a_Linear`` and, if asked, ``d_Linear``: never b or c."""
    held = [*net.a_Linear.parameters(), *(net.d_Linear.parameters() if d_registered else ())]
    optimizer = torch.optim.SGD(held, lr=0.1)
    x = torch.tensor([2.0], device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = net(x)
        loss.backward()
        optimizer.step()
