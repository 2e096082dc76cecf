"""SimSiam's stop-gradient: each branch is target for the other, and detached when it is.

The same encoder makes both views. Without the ``detach`` the easiest solution is to map everything to one point;
with it each view chases a target that cannot run towards it. The encoder is cut on one path and trained on the
other, so it trains.

The lesson: a ``detach`` is wrong only when *every* path to a parameter is cut.

Source: https://arxiv.org/abs/2011.10566
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 8
STEPS = 3
EXPECTED = {
    "encoder.weight": "updated",
    "encoder.bias": "updated",
    "predictor.weight": "updated",
    "predictor.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class SimSiam(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Linear(4, 8)
            self.predictor = torch.nn.Linear(8, 8)

        def forward(self, left: Any, right: Any) -> Any:
            a, b = self.encoder(left), self.encoder(right)
            similar = torch.nn.functional.cosine_similarity
            return -(similar(self.predictor(a), b.detach()) + similar(self.predictor(b), a.detach())).mean() / 2

    torch.manual_seed(seed)
    net = SimSiam().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        x = torch.randn(16, 4, device=device)
        optimizer.zero_grad()
        loss = net(x + 0.1 * torch.randn_like(x), x + 0.1 * torch.randn_like(x))
        loss.backward()
        optimizer.step()
