"""What changes while a run goes on: gradients that pile up under another assignment, trends that come late."""

from __future__ import annotations

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

import tracer  # noqa: E402

nn = torch.nn


def assigned(value: Callable[[torch.Tensor], torch.Tensor], *, clear: bool) -> set[str]:
    """Train with ``p.grad = value(p.grad)`` before each step; return the verdicts."""
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with tracer.record(net, optimizer) as recording:
        for _ in range(4):
            if clear:
                optimizer.zero_grad()
            (net(torch.randn(8, 3)) - 1).pow(2).mean().backward()
            for p in net.parameters():
                p.grad = value(p.grad)
            optimizer.step()
    return {row.verdict for row in recording.report()}


def test_gradient_computed_from_what_had_piled_up_is_not_cleared() -> None:
    assert assigned(lambda grad: grad.clamp(-1, 1), clear=False) == {"grad_not_cleared"}
    assert assigned(lambda grad: grad.data / 2, clear=False) == {"grad_not_cleared"}


def test_gradient_computed_from_one_backward_or_made_afresh_is_cleared() -> None:
    assert assigned(lambda grad: grad.clamp(-1, 1), clear=True) == {"updated"}
    assert assigned(torch.ones_like, clear=False) == {"updated"}


class Deep(nn.Module):
    """Ten layers, each of which lets a share of the signal through."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(10))
        for layer in self.layers:
            nn.init.eye_(layer.weight)

    def forward(self, x: torch.Tensor, share: float) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x) * share
        return x


def deep(share: Callable[[int], float], steps: int, loss_grows: float = 1.0) -> tracer.Report:
    torch.manual_seed(0)
    net = Deep()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4)
    with tracer.record(net, optimizer) as recording:
        for step in range(steps):
            optimizer.zero_grad()
            (net(torch.rand(2, 4), share(step)).mean() * loss_grows**step).backward()
            optimizer.step()
    return recording.report()


def test_gradient_that_vanishes_in_the_last_backwards_only_is_told() -> None:
    assert deep(lambda step: 1.0 if step < 7 else 0.2, steps=12)["layers.0.weight"].verdict == "vanishing"
    assert deep(lambda step: 1.0 if step < 7 else 0.2, steps=10)["layers.0.weight"].verdict == "updated"


def test_vanishing_under_a_growing_loss_is_no_branch_that_wakes() -> None:
    assert deep(lambda step: 0.2, steps=6, loss_grows=4.0)["layers.0.weight"].verdict == "vanishing"
    assert deep(lambda step: 0.1 * 1.2**step, steps=6)["layers.0.weight"].verdict == "updated"


def routed(rows: Callable[[torch.Tensor], torch.Tensor]) -> tracer.ParameterReport:
    class Mixture(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = nn.ModuleList(nn.Sequential(nn.Linear(3, 1)) for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return sum(self.experts[i](x).mean() for i in rows(x))

    torch.manual_seed(0)
    net = Mixture()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with tracer.record(net, optimizer) as recording:
        for _ in range(2):
            optimizer.zero_grad()
            net(torch.randn(8, 3)).backward()
            optimizer.step()
    return recording.report()["experts.2.0.weight"]


def test_expert_that_was_never_chosen_is_unused_and_says_so() -> None:
    row = routed(lambda x: [0, 1])
    assert row.verdict == "unused"
    assert row.message.endswith(
        "its module was never called, while others in experts were: nothing was ever routed to it"
    )


def test_loss_of_a_critic_that_is_computed_beside_a_detached_value_is_named() -> None:
    torch.manual_seed(0)
    actor, critic = nn.Linear(3, 1), nn.Linear(3, 1)
    optimizer = torch.optim.SGD([*actor.parameters(), *critic.parameters()], lr=0.01)
    with tracer.record({"actor": actor, "critic": critic}, optimizer) as recording:
        for _ in range(2):
            x = torch.randn(8, 3)
            value = critic(x)
            (value - 1).pow(2).mean()
            optimizer.zero_grad()
            (actor(x) * (1 - value.detach())).mean().backward()
            optimizer.step()
    row = recording.report()["critic.weight"]
    assert row.verdict == "cut"
    assert [where.op for where in row.where if where.role == "dropped"] == ["mean"]
