"""Automatic mixed precision: the matmul runs in bfloat16, parameters and gradients stay in float32.

``autocast`` casts inputs and weights for each op that gains from it. The casts are recorded like any other op (look for
``ToCopyBackward`` in the picture), so the gradient comes back in the dtype of the parameter. bfloat16 has the exponent
range of float32 and needs no GradScaler; float16 does (see ``scaler_skips``).

The lesson: a cast *to a float type* is differentiable. A cast to int is not.

Source: https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 13
STEPS = 3
EXPECTED = {
    "0.weight": "updated",
    "0.bias": "updated",
    "2.weight": "updated",
    "2.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    nn = torch.nn
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        with torch.autocast(device.type, dtype=torch.bfloat16):
            loss = (net(x) - y).float().pow(2).mean()
        loss.backward()
        optimizer.step()
