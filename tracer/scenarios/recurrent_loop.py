"""An RNN cell in a loop: one weight, used at every time step, one gradient that sums over time.

Unrolled, the graph has one node per time step and all of them point at the same weight. Backward walks from the last
step to the first and adds a contribution at each: back-propagation through time is nothing but this sum.

The lesson: a loop in forward is a chain in the graph; its length, not the number of parameters, is what backward costs.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "How gradients add up"
PLACE = 3
STEPS = 3
EXPECTED = {
    "cell.weight_ih": "updated",
    "cell.weight_hh": "updated",
    "cell.bias_ih": "updated",
    "cell.bias_hh": "updated",
    "read.weight": "updated",
    "read.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.cell = torch.nn.RNNCell(3, 6)
            self.read = torch.nn.Linear(6, 1)

        def forward(self, sequence: Any) -> Any:
            hidden = sequence.new_zeros(sequence.shape[1], 6)
            for x in sequence:
                hidden = self.cell(x, hidden)
            return self.read(hidden)

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    sequence, y = torch.randn(7, 8, 3, device=device), torch.randn(8, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(sequence) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
