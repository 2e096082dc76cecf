"""Truncated back-propagation through time: the hidden state goes on, its history does not.

A long sequence is cut into chunks. The hidden state of one chunk starts the next, detached, so that backward ends at
the chunk's border. Without the ``detach`` the second backward would walk into the graph that the first one has already
freed: "Trying to backward through the graph a second time".

The lesson: detach a *state* between steps, never a value that a parameter of this step must learn from.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 10
STEPS = 4
EXPECTED = {
    "rnn.weight_ih_l0": "updated",
    "rnn.weight_hh_l0": "updated",
    "rnn.bias_ih_l0": "updated",
    "rnn.bias_hh_l0": "updated",
    "read.weight": "updated",
    "read.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.rnn = torch.nn.GRU(3, 6)
            self.read = torch.nn.Linear(6, 1)

        def forward(self, chunk: Any, hidden: Any) -> Any:
            out, hidden = self.rnn(chunk, hidden)
            return self.read(out), hidden

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    sequence, y = torch.randn(5 * steps, 8, 3, device=device), torch.randn(5 * steps, 8, 1, device=device)
    hidden = torch.zeros(1, 8, 6, device=device)
    for chunk, goal in zip(sequence.split(5), y.split(5), strict=True):
        out, hidden = net(chunk, hidden.detach())
        optimizer.zero_grad()
        loss = (out - goal).pow(2).mean()
        loss.backward()
        optimizer.step()
