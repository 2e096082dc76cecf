"""A detach in forward cuts the encoder off the loss: the head trains, the encoder never does.

``detach()`` returns a tensor with the same numbers and no history. Everything before it still *runs*, and its
values still reach the loss; but ``backward`` walks history, finds none, and stops. The encoder's ``.grad`` stays
None, and an optimizer passes silently over a parameter whose ``.grad`` is None.

Nothing fails and the loss falls a little, because the head learns to make the best of random features. That is
what makes this mistake expensive.

The lesson: values flow forward through anything; gradients flow back only through recorded history.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.detach.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 1
STEPS = 3
EXPECTED = {
    "encoder.weight": "cut",
    "encoder.bias": "cut",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS = {"TR202"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Linear(4, 8)
            self.head = torch.nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            features = torch.tanh(self.encoder(x)).detach()
            return self.head(features)

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
