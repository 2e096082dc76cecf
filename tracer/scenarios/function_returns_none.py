"""A custom Function whose backward returns None for a trained argument: the gradient ends there, unnoticed.

``backward`` must return one gradient per argument of ``forward``. None means "this argument needs no gradient", and
autograd believes it. Whoever wrote this one was tired: the input gets its gradient, the slope gets None. The graph
reaches the slope, yet its ``.grad`` stays None, so looking at ``grad_fn`` alone shows nothing wrong.

The lesson: test every custom Function with ``torch.autograd.gradcheck``.

Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 10
STEPS = 3
EXPECTED = {
    "slope": "none_from_backward",
    "linear.weight": "updated",
    "linear.bias": "updated",
}
FINDINGS = {"TR207"}


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
            return for_x, None, None

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
