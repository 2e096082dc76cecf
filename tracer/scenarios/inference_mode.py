"""Features computed under inference_mode and copied out: faster than no_grad, and just as cut.

``torch.inference_mode()`` drops even the bookkeeping that ``no_grad`` keeps. Its tensors may not take part in recorded
work at all: PyTorch says "Inference tensors cannot be saved for backward". The remedy that the error suggests,
``clone()`` outside the block, silences it; the clone is a normal tensor without history, and the encoder never trains.

The lesson: a clone makes an inference tensor *usable*, not differentiable. What should train must run outside.

Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 3
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
            with torch.inference_mode():
                features = torch.tanh(self.encoder(x))
            return self.head(features.clone())

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
