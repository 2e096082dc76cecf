"""In-place ops in forward: allowed, recorded, and checked.

``+=`` adds to the activations where they lie, and ``relu_`` overwrites its input. Autograd gives each changed tensor a
new node and raises its version counter. If backward later needs a value that was overwritten, it notices by the counter
and refuses: "one of the variables needed for gradient computation has been modified by an inplace operation". Here
nothing that is needed gets lost. Exchange the two lines and see: backward of ``relu_`` needs its result.

The lesson: in-place ops either work correctly or fail loudly. They do not silently give a wrong gradient.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 8
STEPS = 3
EXPECTED = {
    "first.weight": "updated",
    "first.bias": "updated",
    "second.weight": "updated",
    "second.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Linear(4, 8)
            self.second = torch.nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            hidden = self.first(x)
            hidden += 0.1
            hidden.relu_()
            return self.second(hidden)

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
