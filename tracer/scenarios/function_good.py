"""A custom Function with a right backward: autograd treats it like any other op.

``forward`` may use anything, NumPy and C code included, because autograd does not look inside. In exchange
``backward`` must return one gradient per argument of ``forward``: here for the input and for the slope, and None
only for the argument that needs none.

The lesson: None from ``backward`` is right for what is not trained, and wrong for everything else (see
``function_returns_none``).

Source: https://docs.pytorch.org/docs/stable/notes/extending.html#extending-torch-autograd
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 15
STEPS = 3
EXPECTED = {
    "slope": "updated",
    "linear.weight": "updated",
    "linear.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Steep(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, slope: Any, power: int) -> Any:
            ctx.save_for_backward(x, slope)
            ctx.power = power
            return slope * x**power

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            x, slope = ctx.saved_tensors
            for_x = grad * slope * ctx.power * x ** (ctx.power - 1)
            return for_x, (grad * x**ctx.power).sum(), None

    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.slope = torch.nn.Parameter(torch.tensor(0.5))
            self.linear = torch.nn.Linear(4, 1)

        def forward(self, x: Any) -> Any:
            return Steep.apply(self.linear(x), self.slope, 2)

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    x, y = torch.randn(16, 4, device=device), torch.rand(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
