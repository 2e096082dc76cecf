"""One transformer block: attention, residual connections, normalization, and a gradient for every weight.

The residual connections show as two arrows that meet again: backward *adds* what comes through the branch to what comes
past it. This is why deep transformers train at all: past the branch the gradient arrives undiminished.

The lesson: read a picture from the loss backwards, and look where arrows join: there gradients are summed.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 11
STEPS = 2
EXPECTED = {
    "attend.in_proj_weight": "updated",
    "attend.in_proj_bias": "updated",
    "attend.out_proj.weight": "updated",
    "attend.out_proj.bias": "updated",
    "first_norm.weight": "updated",
    "first_norm.bias": "updated",
    "widen.weight": "updated",
    "widen.bias": "updated",
    "narrow.weight": "updated",
    "narrow.bias": "updated",
    "second_norm.weight": "updated",
    "second_norm.bias": "updated",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Block(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            nn = torch.nn
            self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
            self.first_norm, self.second_norm = nn.LayerNorm(8), nn.LayerNorm(8)
            self.widen, self.narrow = nn.Linear(8, 16), nn.Linear(16, 8)
            self.head = nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            y = self.first_norm(x)
            x = x + self.attend(y, y, y, need_weights=False)[0]
            x = x + self.narrow(torch.nn.functional.gelu(self.widen(self.second_norm(x))))
            return self.head(x.mean(1))

    torch.manual_seed(seed)
    net = Block().to(device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    x, labels = torch.randn(6, 5, 8, device=device), torch.randint(3, (6,), device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
