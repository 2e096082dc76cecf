"""The straight-through estimator: rounded on the way forward, not rounded on the way back.

``round`` has derivative zero everywhere, so nothing would reach the encoder. ``h + (h.round() - h).detach()`` has the
value of ``h.round()`` and the gradient of ``h``: the detached difference counts as a constant. A detach that makes a
network train instead of stopping it.

The lesson: ``detach`` separates value from gradient, and can be used to give them different formulas.

Source: https://arxiv.org/abs/1308.3432
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 5
STEPS = 3
EXPECTED = {
    "encoder.weight": "updated",
    "encoder.bias": "updated",
    "decoder.weight": "updated",
    "decoder.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Quantized(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Linear(4, 3)
            self.decoder = torch.nn.Linear(3, 4)

        def forward(self, x: Any) -> Any:
            hidden = self.encoder(x)
            code = hidden + (hidden.round() - hidden).detach()
            return self.decoder(code)

    torch.manual_seed(seed)
    net = Quantized().to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    x = torch.randn(16, 4, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - x).pow(2).mean()
        loss.backward()
        optimizer.step()
