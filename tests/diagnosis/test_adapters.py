"""Small adapters beside frozen layers, right and wrong: what starts at zero, is left out, switched off or frozen."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import tracer  # noqa: E402
from tracer.diagnosis.findings import Report  # noqa: E402

nn = torch.nn


class Adapted(nn.Module):
    """A frozen layer with a low-rank way around it, of which the second half starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Linear(4, 4).requires_grad_(False)
        self.down, self.up = nn.Linear(4, 2, bias=False), nn.Linear(2, 4, bias=False)
        nn.init.zeros_(self.up.weight)
        self.on = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.base(x) + self.up(self.down(x)) if self.on else self.base(x)


def sgd(parameters: Iterable[torch.Tensor]) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1)


def trained(model: nn.Module, optimizer: torch.optim.Optimizer | None = None, *, steps: int = 1) -> Report:
    torch.manual_seed(0)
    optimizer = optimizer or sgd(model.parameters())
    with tracer.record(model, optimizer) as recording:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = model(torch.ones(3, 4)).pow(2).mean()
            if loss.requires_grad:
                loss.backward()
                optimizer.step()
            else:
                with pytest.raises(RuntimeError, match="does not require grad"):
                    loss.backward()
    return recording.report()


def told(report: Report) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(f.code, f.severity): report.names_of(f) for f in report.findings}


def test_one_step_of_a_part_behind_zeros_is_a_remark_that_names_them() -> None:
    report = trained(Adapted())
    assert told(report) == {
        ("TR106", "info"): ("base.weight", "base.bias"), ("TR301", "info"): ("down.weight",),
    }  # fmt: skip
    assert report["up.weight"].verdict == "updated"
    row = report["down.weight"]
    assert (row.verdict, row.severity) == ("zero_grad", "info")
    assert row.message.startswith("its gradient is exactly zero as long as `up.weight` is, which linear at ")
    assert row.message.endswith("that one has moved now")


def test_after_the_second_step_there_is_nothing_to_remark() -> None:
    report = trained(Adapted(), steps=2)
    assert {row.name: row.verdict for row in report if "base" not in row.name} == {
        "down.weight": "updated", "up.weight": "updated",
    }  # fmt: skip


def test_zeros_that_no_optimizer_moves_are_the_error_and_what_waits_for_them_is_a_remark() -> None:
    model = Adapted()
    report = trained(model, sgd(model.down.parameters()), steps=3)
    assert told(report)["TR101", "error"] == ("up.weight",)
    assert told(report)["TR301", "info"] == ("down.weight",)
    assert report["down.weight"].fix == "make `up.weight` train: no step has moved it"


def test_a_frozen_zero_is_still_an_error() -> None:
    model = Adapted()
    model.up.requires_grad_(False)
    assert told(trained(model, steps=2))["TR301", "error"] == ("down.weight",)


def test_a_mask_of_zeros_is_still_an_error() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.scale = nn.Linear(4, 4, bias=False), nn.Parameter(torch.ones(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x) * (self.scale * torch.zeros(4)) + self.scale

    assert told(trained(Masked(), steps=2))["TR301", "error"] == ("layer.weight",)


def test_an_adapter_that_is_switched_off_took_no_part_and_is_no_lost_graph() -> None:
    model = Adapted()
    model.on = False
    report = trained(model)
    assert report["down.weight"].verdict == report["up.weight"].verdict == "unused"
    assert report["up.weight"].message == "it took no part in any of 1 backward: its module was never called"
    assert ("TR205", "error") not in told(report)


def test_a_weight_used_without_its_module_is_no_module_passed_by() -> None:
    class Borrowed(Adapted):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (self.base(x) + nn.functional.linear(x, self.up.weight @ self.down.weight)).detach()

    assert {row.verdict for row in trained(Borrowed()) if "base" not in row.name} == {"cut"}


def test_an_optimizer_of_frozen_parameters_only_is_an_error_although_each_is_frozen() -> None:
    model = Adapted().requires_grad_(False)
    report = trained(model, sgd([*model.down.parameters(), *model.up.parameters()]))
    assert told(report) == {
        ("TR205", "error"): ("down.weight", "up.weight"), ("TR106", "info"): ("down.weight", "up.weight"),
    }  # fmt: skip
    assert {row.verdict for row in report} == {"frozen"}
    assert "from a loss without a graph: no parameter at all requires grad" in report.findings[0].message
    assert report["up.weight"].findings == ("TR205", "TR106")


def test_tensors_that_only_the_optimizer_holds_say_so() -> None:
    model = Adapted()
    optimizer = sgd(model.down.parameters())
    model.down = model.up = nn.Identity()
    report = trained(model, optimizer)
    (row,) = [row for row in report if "base" not in row.name]
    assert row.message == "only SGD `optimizer` holds it: it is in no model any more, and no gradient reached it"
    assert ("TR205", "error") in told(report)


def test_of_two_causes_of_zeros_the_one_on_the_way_is_named() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden = x + self.first(x).sign()
            return hidden + self.second(hidden).clamp(9, 10)

    report = trained(Two(), steps=2)
    ops = {row.name: [w.op for w in row.where if w.role == "culprit"] for row in report}
    assert ops == {"first.weight": ["sign"], "second.weight": ["clamp"]}


def test_a_bias_is_no_factor_that_a_frozen_zero_weight_could_wait_for() -> None:
    class Biased(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4)
            nn.init.zeros_(self.second.weight).requires_grad_(False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(x))

    assert told(trained(Biased()))["TR301", "error"] == ("first.weight",)


def test_of_several_gates_that_start_at_zero_one_wakes_up_per_step() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4, bias=False)
            self.inner, self.outer = nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 1 + self.outer * (1 + self.inner * self.layer(x))

    report = trained(Gated(), steps=2)
    assert {row.name: (row.verdict, row.severity) for row in report} == {
        "layer.weight": ("zero_grad", "info"), "inner": ("updated", "ok"), "outer": ("updated", "ok"),
    }  # fmt: skip
    assert "as long as `inner` is, which mul at " in report["layer.weight"].message
    assert {row.verdict for row in trained(Gated(), steps=3)} == {"updated"}


def test_a_normalization_that_starts_at_zero_counts_as_a_factor() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.norm = nn.Linear(4, 4), nn.LayerNorm(4)
            nn.init.zeros_(self.norm.weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.norm(self.layer(x))

    report = trained(Residual())
    assert {row.name: row.severity for row in report} == {
        "layer.weight": "info", "layer.bias": "info", "norm.weight": "ok", "norm.bias": "ok",
    }  # fmt: skip
    assert "as long as `norm.weight` is, which layer_norm at " in report["layer.bias"].message


def test_a_reentrant_checkpoint_is_told_at_its_call_and_not_inside_the_block() -> None:
    from torch.utils.checkpoint import checkpoint

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block, self.head = Block(), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(checkpoint(self.block, x, use_reentrant=True))

    report = trained(Net())
    finding = next(f for f in report.findings if f.code == "TR206")
    lines = {w.role: w for w in finding.where}
    source = Path(__file__).read_text().splitlines()
    assert source[lines["cut"].line - 1].strip() == "return self.layer(x)"
    assert source[lines["block"].line - 1].strip().startswith("return self.head(checkpoint(self.block, x")
    at = f" at {lines['block'].file}:{lines['block'].line}"
    assert finding.message.startswith(f"reentrant checkpointing{at} got no input")
    assert finding.fix.startswith(f"call checkpoint(..., use_reentrant=False){at}, or ")


class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        a, b = ctx.saved_tensors
        return grad * b, grad * a


class Custom(nn.Module):
    """Two factors in a Function of its own, one of which is zero."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.gate = nn.Parameter(torch.ones(4)), nn.Parameter(torch.zeros(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + Product.apply(self.scale, self.gate)


def test_what_a_custom_function_does_with_a_zero_is_supposed_once_and_judged_from_the_second_backward_on() -> None:
    row = trained(Custom())["scale"]
    assert (row.severity, row.confidence) == ("info", "probable")
    assert "`gate`, which Product at " in row.message and " may be the factor that starts at zero" in row.message
    model = Custom()
    assert told(trained(model, sgd([model.scale]), steps=2))["TR301", "error"] == ("scale",)


def test_a_gate_on_both_ways_of_a_prompt_is_found_on_both() -> None:
    class Prompt(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.prompt, self.gate = nn.Parameter(torch.randn(4, 4)), nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scores = self.gate * torch.softmax(x @ self.prompt.t(), -1)
            return x + scores @ self.prompt

    assert {row.name: row.severity for row in trained(Prompt())} == {"prompt": "info", "gate": "ok"}


def test_a_gradient_inside_a_reentrant_checkpoint_is_measured_once_per_backward() -> None:
    from torch.utils.checkpoint import checkpoint

    class Dead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + checkpoint(lambda h: self.layer(h).clamp(9, 10), x.requires_grad_(), use_reentrant=True)

    row = trained(Dead())["layer.weight"]
    assert row.message.startswith("its gradient was exactly zero everywhere in 1 measurement; clamp at ")
    assert row.confidence == "probable"
