"""Non-reentrant checkpointing of the first layers: less memory, the same gradients.

The block runs once in forward and keeps only its inputs. When ``backward`` arrives, it runs again to recover what it
threw away, and the gradient passes on as if nothing had happened. The history is recorded in the first run, so it
does not matter that the data itself does not require grad.

A hook inside the block fires twice per step, once in each run; a tracer must not count that as two uses.

The lesson: compare ``checkpoint_reentrant``: the same network, one word different, and the stem does not train.

Source: https://docs.pytorch.org/docs/stable/checkpoint.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 14
STEPS = 2
EXPECTED = {
    "stem.0.weight": "updated",
    "stem.0.bias": "updated",
    "stem.2.weight": "updated",
    "stem.2.bias": "updated",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    from torch.utils.checkpoint import checkpoint

    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            nn = torch.nn
            self.stem = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh())
            self.head = nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            return self.head(checkpoint(self.stem, x, use_reentrant=False))

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
