"""backward(inputs=...): one loss, gradients only for the parameters named.

An adversary learns to undo what the encoder does. Each loss runs through both networks, but only one side should learn
from it: ``inputs=`` tells backward where to accumulate, so nothing has to be cleared or detached, and the work for the
other side is saved where possible.

The lesson: without ``inputs=`` backward accumulates in every leaf that it reaches.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 4
STEPS = 3
EXPECTED = {
    "encoder.weight": "updated",
    "encoder.bias": "updated",
    "adversary.weight": "updated",
    "adversary.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    torch.manual_seed(seed)
    encoder, adversary = torch.nn.Linear(4, 4).to(device), torch.nn.Linear(4, 1).to(device)
    optimizer_e = torch.optim.SGD(encoder.parameters(), lr=0.05)
    optimizer_a = torch.optim.SGD(adversary.parameters(), lr=0.05)
    x, secret = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer_e.zero_grad()
        optimizer_a.zero_grad()
        code = torch.tanh(encoder(x))
        found = (adversary(code) - secret).pow(2).mean()
        hidden = (code - x).pow(2).mean() - found
        found.backward(inputs=list(adversary.parameters()), retain_graph=True)
        hidden.backward(inputs=list(encoder.parameters()))
        optimizer_a.step()
        optimizer_e.step()
