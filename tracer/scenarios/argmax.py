"""A codebook chosen by argmax: the choice has no derivative, so the scorer learns nothing.

``argmax`` returns integers. Moving a score a little does not move the index at all, until it jumps: the derivative
is zero almost everywhere and undefined at the jump, and autograd records none. The codebook itself trains, because
looking a row *up* is differentiable in the row; which row was chosen is not differentiable in the scores.

Ways round it: a softmax-weighted mix of rows, Gumbel-softmax, or a straight-through estimate.

The lesson: an op that returns indices, truth values or integers ends the gradient path.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gumbel_softmax.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 7
STEPS = 3
EXPECTED = {
    "scorer.weight": "non_differentiable",
    "scorer.bias": "non_differentiable",
    "codes": "updated",
}
FINDINGS = {"TR203"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Quantizer(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.scorer = torch.nn.Linear(4, 5)
            self.codes = torch.nn.Parameter(torch.randn(5, 4))

        def forward(self, x: Any) -> Any:
            chosen = self.scorer(x).argmax(dim=1)
            return self.codes[chosen]

    torch.manual_seed(seed)
    net = Quantizer().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    x = torch.randn(16, 4, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - x).pow(2).mean()
        loss.backward()
        optimizer.step()
