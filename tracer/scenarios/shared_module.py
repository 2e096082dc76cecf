"""One layer called twice in forward: its gradient is the sum over both calls.

A siamese network runs the same encoder on two inputs. In the graph the encoder's weight is *one* leaf with two arrows
into it. Backward computes a contribution for each call and adds them up before ``.grad`` is written: a post-accumulate
hook fires once per backward, with the sum.

The lesson: "shared" needs no code at all. Use a tensor as often as you like; autograd adds.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#how-autograd-encodes-the-history
"""

from __future__ import annotations

from typing import Any

CHAPTER = "How gradients add up"
PLACE = 1
STEPS = 3
EXPECTED = {
    "encoder.weight": "updated",
    "encoder.bias": "updated",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Siamese(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Linear(4, 8)
            self.head = torch.nn.Linear(8, 1)

        def forward(self, left: Any, right: Any) -> Any:
            a, b = torch.tanh(self.encoder(left)), torch.tanh(self.encoder(right))
            return self.head((a - b).abs())

    torch.manual_seed(seed)
    net = Siamese().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    left, right = torch.randn(16, 4, device=device), torch.randn(16, 4, device=device)
    y = torch.rand(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(left, right) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
