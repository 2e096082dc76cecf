"""zero_grad() is missing: each step uses the sum of all gradients since the start.

``backward`` *adds* to ``.grad``. This is what makes gradient accumulation, tied weights and several losses work;
it also means that somebody must clear ``.grad`` once per step. Without it the second step follows the first gradient
again, the third follows it three times over: an unwanted momentum that never decays.

The lesson: ``optimizer.zero_grad()`` belongs to every step. Compare scenario ``gradient_accumulation``, which adds
up on purpose and clears after every step.

Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "How gradients add up"
PLACE = 7
STEPS = 4
EXPECTED = {
    "0.weight": "grad_not_cleared",
    "0.bias": "grad_not_cleared",
    "2.weight": "grad_not_cleared",
    "2.bias": "grad_not_cleared",
}
FINDINGS = {"TR306"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
