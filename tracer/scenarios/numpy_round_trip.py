"""Features that pass through NumPy: autograd does not follow arithmetic outside PyTorch.

NumPy refuses a tensor that requires grad, so somebody added ``detach()`` to please it. The array comes back through
``torch.from_numpy`` as a tensor without history. The whitening step is correct and the encoder is cut off.

The lesson: either do the arithmetic with torch functions, or write a ``torch.autograd.Function`` that says how its
gradient is computed.

Source: https://docs.pytorch.org/docs/stable/notes/extending.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 6
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
            self.encoder = torch.nn.Linear(4, 6)
            self.head = torch.nn.Linear(6, 2)

        def forward(self, x: Any) -> Any:
            array = self.encoder(x).detach().cpu().numpy()
            white = (array - array.mean(axis=0)) / (array.std(axis=0) + 1e-5)
            return self.head(torch.from_numpy(white).to(x.device))

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    x, labels = torch.randn(16, 4, device=device), torch.randint(2, (16,), device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()
