"""Embedding and output layer share one weight: one parameter with two names, one gradient from two places.

``net.out.weight = net.embed.weight`` makes both attributes the same ``Parameter``. Backward reaches it along two paths,
from the lookup and from the output projection, and adds both contributions. ``named_parameters()`` lists the first name
only; ``state_dict()`` has both.

Tying saves memory, but it also mixes two very different gradients: the lookup touches the rows of the words that
occurred, the output layer touches every row.

The lesson: ask ``named_parameters(remove_duplicate=False)`` which names are one tensor.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.named_parameters
"""

from __future__ import annotations

from typing import Any

CHAPTER = "How gradients add up"
PLACE = 2
STEPS = 3
EXPECTED = {
    "embed.weight": "updated",
    "mix.weight": "updated",
    "mix.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Language(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Embedding(12, 6)
            self.mix = torch.nn.Linear(6, 6)
            self.out = torch.nn.Linear(6, 12, bias=False)
            self.out.weight = self.embed.weight

        def forward(self, words: Any) -> Any:
            return self.out(torch.tanh(self.mix(self.embed(words))))

    torch.manual_seed(seed)
    net = Language().to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    words, following = torch.randint(12, (20,), device=device), torch.randint(12, (20,), device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(words), following)
        loss.backward()
        optimizer.step()
