"""A hook on a weight, forgotten since an experiment, that multiplies its gradient by zero.

``Tensor.register_hook`` calls a function with the gradient before it accumulates; what the function returns takes
the gradient's place. This one masks the gradient of a "pruned" layer, with a mask that is zero everywhere.

The graph is whole, the loss is right, ``.grad`` is there and zero. Nothing in the training loop gives it away,
because the hook was registered where the model was built.

The lesson: a hook is part of the backward pass. When a gradient makes no sense, look at ``weight._backward_hooks``.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.register_hook.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What is the gradient worth?"
PLACE = 4
STEPS = 2
EXPECTED = {
    "0.weight": "hooked",
    "0.bias": "updated",
    "2.weight": "updated",
    "2.bias": "updated",
}
FINDINGS = {"TR305"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).to(device)
    mask = torch.zeros_like(net[0].weight)
    net[0].weight.register_hook(lambda grad: grad * mask)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
