"""Gradients that are small, late or replaced by design."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn


class Block(nn.Module):
    """A residual block whose last norm starts at zero, behind a gate that does too; one path bypasses the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm1 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.second, self.norm2 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        nn.init.zeros_(self.norm2.weight)
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.norm2(self.second(torch.relu(self.norm1(self.first(x)))))
        return torch.relu(x + self.gate * inner + self.norm2(self.second(x)))


def test_branches_that_wake_up_from_zero_raise_no_alarm(quiet) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        net = nn.Sequential(
            nn.Conv2d(3, 4, 3), Block(), Block(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
        )
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(6):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(torch.rand(8, 3, 8, 8)), torch.randint(0, 2, (8,))).backward()
            optimizer.step()
        return net

    assert quiet(program) == {"updated"}


def test_bias_that_softmax_takes_out_again_is_not_said_to_vanish(quiet) -> None:  # type: ignore[no-untyped-def]
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(5, 1)
            self.layers = nn.ModuleList(nn.Linear(5, 5) for _ in range(5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = (self.score(x).softmax(1) * x).sum(1)
            for layer in self.layers:
                x = 0.5 * torch.tanh(layer(x))
            return x.sum(1)

    def program() -> object:
        net = Attending()
        optimizer = torch.optim.Adam(net.parameters())
        for _ in range(3):
            x = torch.randn(8, 6, 5)
            optimizer.zero_grad()
            (net(x) - x.sum((1, 2))).pow(2).mean().backward()
            optimizer.step()
        return net

    assert quiet(program) == {"updated"}


def test_gradient_assigned_over_what_was_left_from_the_step_before_is_not_piling_up(quiet) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        net, weights = nn.Linear(4, 2), nn.Parameter(torch.ones(2))
        first, second = torch.optim.Adam(net.parameters()), torch.optim.Adam([weights])
        for _ in range(5):
            losses = net(torch.randn(8, 4)).pow(2).mean(0)
            first.zero_grad()
            (weights * losses).sum().backward()
            weights.grad = (weights - losses.detach()).detach()
            first.step()
            second.step()
        return net, weights

    assert quiet(program) == {"updated"}


def test_network_that_is_only_evaluated_counts_as_frozen(quiet) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        net = nn.Linear(3, 1)
        with torch.no_grad():
            for _ in range(3):
                net(torch.randn(8, 3))
        return net

    assert quiet(program) == {"frozen"}


def test_search_without_gradients_counts_as_evaluation(quiet) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        net, best = nn.Linear(3, 1), float("inf")
        for _ in range(3):
            child = copy.deepcopy(net)
            for p in child.parameters():
                p.data.add_(0.1 * torch.randn_like(p))
            loss = child(torch.randn(8, 3)).pow(2).mean().item()
            net, best = (child, loss) if loss < best else (net, best)
        return net

    assert quiet(program) == {"frozen"}


def test_missing_backward_of_a_loop_that_steps_by_hand_is_told(record) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        net = nn.Linear(3, 1)
        for _ in range(3):
            net(torch.randn(8, 3)).pow(2).mean()
            for p in net.parameters():
                if p.grad is not None:
                    p.data -= 0.1 * p.grad
        return net

    assert {(row.verdict, row.severity) for row in record(program)} == {("no_backward", "warning")}


def test_queries_and_keys_of_uniform_attention_are_not_said_to_vanish(quiet) -> None:  # type: ignore[no-untyped-def]
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))
            for layer in (self.q, self.k, self.v, self.o):
                nn.init.normal_(layer.weight, std=0.002)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scores = (self.q(x) @ self.k(x).transpose(1, 2)).softmax(-1)
            return nn.functional.layer_norm(x + self.o(scores @ self.v(x)), (8,))

    def program() -> object:
        net = nn.Sequential(nn.Linear(8, 8), *[Block() for _ in range(3)], nn.Linear(8, 1))
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4)
        for _ in range(3):
            optimizer.zero_grad()
            net(torch.randn(4, 6, 8)).pow(2).mean().backward()
            optimizer.step()
        return net

    assert quiet(program) == {"updated"}
