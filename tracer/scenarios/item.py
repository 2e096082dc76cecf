"""A temperature turned into a Python number by item(): the number is right, its history is gone.

``item()`` copies one value out of a tensor into a Python float. Python floats know nothing of autograd. The
temperature scales the logits exactly as intended, so the output is correct; its gradient is not wrong but absent.

The lesson: ``item()``, ``float()`` and ``tolist()`` are for logging. In anything that reaches the loss, keep tensors.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.item.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 4
STEPS = 3
EXPECTED = {
    "temperature": "cut",
    "score.weight": "updated",
    "score.bias": "updated",
}
FINDINGS = {"TR202"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Classifier(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.temperature = torch.nn.Parameter(torch.tensor(1.5))
            self.score = torch.nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            return self.score(x) / self.temperature.item()

    torch.manual_seed(seed)
    net = Classifier().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, labels = torch.randn(12, 4, device=device), torch.randint(3, (12,), device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
