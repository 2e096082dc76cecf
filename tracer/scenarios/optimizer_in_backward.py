"""The step inside backward: each parameter is updated as soon as its gradient is there, and the gradient is freed.

A post-accumulate hook on every parameter steps a small optimizer of its own and clears ``.grad``. The gradients of the
whole network never exist at the same time, which saves as much memory as the network itself takes.

Afterwards every ``.grad`` is None and no loop ever called ``step``; all parameters trained.

The lesson: whether a gradient arrived must be seen when it arrives. Looking after the step is too late.

Source: https://docs.pytorch.org/tutorials/intermediate/optimizer_step_in_backward_tutorial.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 17
STEPS = 3
EXPECTED = {
    "0.weight": "updated",
    "0.bias": "updated",
    "2.weight": "updated",
    "2.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    nn = torch.nn
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    optimizers = {parameter: torch.optim.SGD([parameter], lr=0.1) for parameter in net.parameters()}

    def step_and_free(parameter: Any) -> None:
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in net.parameters():
        parameter.register_post_accumulate_grad_hook(step_and_free)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
