"""LoRA: the big weight is frozen, two thin matrices beside it learn.

The layer computes ``W x + B A x`` with W frozen. B starts at zero, so the adapter changes nothing at first; and because
A's gradient passes through B, A gets *exactly zero* in the first step. From the second step on both learn. A tool that
judges by one step would call A dead.

The lesson: a zero gradient in the first step can be by design; watch several steps before you judge.

Source: https://arxiv.org/abs/2106.09685
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 3
STEPS = 3
EXPECTED = {
    "base.weight": "frozen",
    "base.bias": "frozen",
    "down.weight": "updated",
    "up.weight": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Lora(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.base = torch.nn.Linear(6, 6).requires_grad_(False)
            self.down = torch.nn.Linear(6, 2, bias=False)
            self.up = torch.nn.Linear(2, 6, bias=False)
            torch.nn.init.zeros_(self.up.weight)

        def forward(self, x: Any) -> Any:
            return self.base(x) + self.up(self.down(x))

    torch.manual_seed(seed)
    net = Lora().to(device)
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=1e-2)
    x, y = torch.randn(16, 6, device=device), torch.randn(16, 6, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
