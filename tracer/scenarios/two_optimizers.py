"""One loss, two optimizers: the embedding and the rest learn by different rules.

Sparse or large tables often get an optimizer of their own. One backward fills all gradients; each optimizer steps over
its part, and both clear.

The lesson: several optimizers are fine as long as every parameter has exactly one.

Source: https://docs.pytorch.org/docs/stable/optim.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 4
STEPS = 3
EXPECTED = {
    "embed.weight": "updated",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Embedding(10, 6)
            self.head = torch.nn.Linear(6, 3)

        def forward(self, words: Any) -> Any:
            return self.head(self.embed(words).mean(1))

    torch.manual_seed(seed)
    net = Net().to(device)
    slow = torch.optim.SGD(net.embed.parameters(), lr=0.5)
    fast = torch.optim.AdamW(net.head.parameters(), lr=1e-2)
    words, labels = torch.randint(10, (16, 5), device=device), torch.randint(3, (16,), device=device)
    for _ in range(steps):
        slow.zero_grad()
        fast.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(words), labels)
        loss.backward()
        slow.step()
        fast.step()
