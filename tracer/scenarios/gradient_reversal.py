"""A hook that turns the gradient round: the encoder learns what the classifier must not find.

Domain adaptation trains a classifier to tell two domains apart, and the encoder to prevent it. A tensor hook on the
features multiplies the gradient by -1 on its way back. The classifier sees the true gradient, the encoder the
opposite.

The lesson: hooks on tensors rewrite gradients *on the way*; everything below them gets the new value.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.register_hook.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 7
STEPS = 3
EXPECTED = {
    "encoder.weight": "updated",
    "encoder.bias": "updated",
    "domain.weight": "updated",
    "domain.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Linear(4, 8)
            self.domain = torch.nn.Linear(8, 2)

        def forward(self, x: Any) -> Any:
            features = torch.tanh(self.encoder(x))
            features.register_hook(lambda gradient: -gradient)
            return self.domain(features)

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, labels = torch.randn(16, 4, device=device), torch.randint(2, (16,), device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
