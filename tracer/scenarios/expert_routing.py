"""A mixture of experts: in each step the data goes to one expert, and the other gets no gradient.

Which expert is called depends on the batch. The one that is not called has ``.grad`` None in that step, which is
correct: it had no part in the result. Over several steps both train.

The lesson: "no gradient in this step" and "never any gradient" are different findings.

Source: https://arxiv.org/abs/1701.06538
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 9
STEPS = 4
EXPECTED = {
    "experts.0.weight": "updated",
    "experts.0.bias": "updated",
    "experts.1.weight": "updated",
    "experts.1.bias": "updated",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Mixture(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.experts = torch.nn.ModuleList([torch.nn.Linear(4, 8) for _ in range(2)])
            self.head = torch.nn.Linear(8, 1)

        def forward(self, x: Any, expert: int) -> Any:
            return self.head(torch.tanh(self.experts[expert](x)))

    torch.manual_seed(seed)
    net = Mixture().to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for step in range(steps):
        optimizer.zero_grad()
        loss = (net(x, step % 2) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
