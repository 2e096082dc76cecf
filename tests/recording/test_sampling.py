"""Recording every Nth step: healthy programs raise no alarm by what lies between, sick ones are still found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module as module_hooks

import tracer
from tracer.errors import UsageError
from tracer.events import BackwardStarted, GradAccumulated, OptimizerStepped, StepsPassed

STEPS = 40
Program = Callable[[], object]


def sampled(program: Program, every: int = 7, first: int = 3, **options: Any) -> tracer.Recording:
    torch.manual_seed(0)
    with tracer.record(every=every, first=first, **options) as recording:
        kept = program()
    del kept
    return recording


def alarms(recording: tracer.Recording) -> set[str]:
    return {f.code for f in recording.report().findings if f.severity in ("error", "warning")}


def looked_at(recording: tracer.Recording) -> list[int]:
    return [event.step for event in recording.trace.of(OptimizerStepped)]


def mlp(inputs: int = 3, outputs: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 6), nn.Tanh(), nn.Linear(6, outputs))


def x(columns: int = 3) -> torch.Tensor:
    return torch.randn(8, columns)


def sgd(*modules: nn.Module, **options: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD([p for m in modules for p in m.parameters()], **{"lr": 0.05, **options})


# --------------------------------------------------------------------------- healthy


def plain() -> object:
    net = mlp()
    optimizer = sgd(net)
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(x()).pow(2).mean().backward()
        optimizer.step()
    return net, optimizer


def cleared_after_the_step_in_place() -> object:
    net = mlp()
    optimizer = sgd(net, momentum=0.9, weight_decay=0.1)
    for _ in range(STEPS):
        net(x()).pow(2).mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
    return net, optimizer


def accumulation() -> object:
    net = mlp()
    optimizer = sgd(net)
    for batch in range(4 * STEPS):
        (net(x()).pow(2).mean() / 4).backward()
        if batch % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
    return net, optimizer


def critic_and_generator(each: int) -> object:
    """The generator steps after so many steps of the critic."""
    generator, critic = mlp(2, 3), mlp(3, 1)
    for_generator, for_critic = sgd(generator), sgd(critic)
    for turn in range(STEPS):
        for_critic.zero_grad()
        (critic(generator(x(2)).detach()).mean() - critic(x()).mean()).backward()
        for_critic.step()
        if turn % each == each - 1:
            for_generator.zero_grad()
            (-critic(generator(x(2))).mean()).backward()
            for_generator.step()
    return generator, critic, for_generator, for_critic


def three_critic_steps_to_one_of_the_generator() -> object:
    return critic_and_generator(4)


def a_generator_that_steps_long_after_the_first_steps() -> object:
    return critic_and_generator(15)


def several_optimizers_for_one_loss() -> object:
    body, head = mlp(3, 4), nn.Linear(4, 1)
    optimizers = [sgd(body), torch.optim.Adam(head.parameters())]
    for _ in range(STEPS):
        for optimizer in optimizers:
            optimizer.zero_grad()
        head(body(x())).pow(2).mean().backward()
        for optimizer in optimizers:
            optimizer.step()
    return body, head, optimizers


def an_optimizer_that_steps_now_and_then() -> object:
    body, head = mlp(3, 4), nn.Linear(4, 1)
    often, rarely = sgd(body), sgd(head)
    for turn in range(STEPS):
        often.zero_grad()
        head(body(x())).pow(2).mean().backward()
        often.step()
        if turn % 13 == 12:
            rarely.step()
            rarely.zero_grad()
    return body, head, often, rarely


def heads_by_turns() -> object:
    """Period 2: with every=4 the samples always meet the same head."""
    body, heads = mlp(3, 4), nn.ModuleList([nn.Linear(4, 1), nn.Linear(4, 1)])
    optimizer = sgd(body, heads)
    for turn in range(STEPS):
        optimizer.zero_grad()
        head = heads[0 if turn < 6 else turn % 2]
        head(body(x())).pow(2).mean().backward()
        optimizer.step()
    return body, heads, optimizer


def scaler_that_skips() -> object:
    net = mlp()
    optimizer, scaler = sgd(net), torch.amp.GradScaler("cpu", init_scale=2.0**10)
    for turn in range(STEPS):
        optimizer.zero_grad()
        loss = net(x()).pow(2).mean()
        scaler.scale(loss * (float("inf") if turn % 9 in (0, 6) else 1.0)).backward()
        scaler.step(optimizer)
        scaler.update()
    return net, optimizer


def warm_up_and_schedule() -> object:
    net = mlp()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 10))
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(x()).pow(2).mean().backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return net, optimizer


def averaged_copy() -> object:
    net = mlp()
    target = copy.deepcopy(net)
    optimizer = sgd(net)
    for _ in range(STEPS):
        optimizer.zero_grad()
        batch = x()
        with torch.no_grad():
            wanted = target(batch)
        (net(batch) - wanted - 1).pow(2).mean().backward()
        optimizer.step()
        with torch.no_grad():
            for mine, its in zip(target.parameters(), net.parameters(), strict=True):
                mine.lerp_(its, 0.1)
    return net, target, optimizer


def target_copied_every_seven_steps() -> object:
    net, target = mlp(), mlp()
    optimizer = sgd(net)
    for turn in range(STEPS):
        if turn % 7 == 6:
            target.load_state_dict(net.state_dict())
        batch = x()
        optimizer.zero_grad()
        (net(batch) - target(batch).detach() - 1).pow(2).mean().backward()
        optimizer.step()
    return net, target, optimizer


def weights_put_back_every_seven_steps() -> object:
    """Meta-learning: adapt for seven steps, then go back; with every=7 a sample ends where it goes back."""
    net = mlp()
    optimizer = sgd(net)
    kept = copy.deepcopy(net.state_dict())
    for turn in range(STEPS):
        optimizer.zero_grad()
        net(x()).pow(2).mean().backward()
        optimizer.step()
        if turn % 7 in (5, 6):
            net.load_state_dict(kept)
    return net, optimizer


def optimizer_in_backward() -> object:
    net = mlp()
    optimizers = {p: torch.optim.SGD([p], lr=0.05) for p in net.parameters()}

    def step(parameter: torch.Tensor) -> None:
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in net.parameters():
        parameter.register_post_accumulate_grad_hook(step)
    for _ in range(STEPS):
        net(x()).pow(2).mean().backward()
    return net, optimizers


def closures() -> object:
    net = mlp()
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=2)
    batch = x()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = net(batch).pow(2).mean()
        loss.backward()
        return loss

    for _ in range(STEPS):
        optimizer.step(closure)
    return net, optimizer


def evaluation_in_between() -> object:
    net = mlp()
    optimizer = sgd(net)
    for turn in range(STEPS):
        optimizer.zero_grad()
        net(x()).pow(2).mean().backward()
        optimizer.step()
        if turn % 5 == 0:
            with torch.no_grad():
                net(x()).mean().item()
    return net, optimizer


class Random(nn.Module):
    """A graph of another depth in each step."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head, self.turn = nn.Linear(3, 3), nn.Linear(3, 1), 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.turn += 1
        for _ in range(1 + self.turn % 11):
            x = torch.tanh(self.layer(x))
        return self.head(x)


def graph_that_differs() -> object:
    net = Random()
    optimizer = sgd(net)
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(x()).pow(2).mean().backward()
        optimizer.step()
    return net, optimizer


def thawed_in_between() -> object:
    body, head = mlp(3, 4).requires_grad_(False), nn.Linear(4, 1)
    optimizer = sgd(body, head)
    for turn in range(STEPS):
        if turn == 18:
            body.requires_grad_(True)
        optimizer.zero_grad()
        head(body(x())).pow(2).mean().backward()
        optimizer.step()
    return body, head, optimizer


HEALTHY: list[Program] = [
    plain, cleared_after_the_step_in_place, accumulation, three_critic_steps_to_one_of_the_generator,
    a_generator_that_steps_long_after_the_first_steps, several_optimizers_for_one_loss,
    an_optimizer_that_steps_now_and_then, heads_by_turns, scaler_that_skips, warm_up_and_schedule, averaged_copy,
    target_copied_every_seven_steps, weights_put_back_every_seven_steps, optimizer_in_backward, closures,
    evaluation_in_between, graph_that_differs, thawed_in_between,
]  # fmt: skip


@pytest.mark.parametrize("program", HEALTHY, ids=[p.__name__ for p in HEALTHY])
@pytest.mark.parametrize(("every", "first"), [(7, 3), (4, 1), (10, 5)])
def test_a_healthy_program_raises_no_alarm(program: Program, every: int, first: int) -> None:
    recording = sampled(program, every, first)
    assert alarms(recording) == set()
    assert not [note for note in recording.report().notes if "failed" in note]


# --------------------------------------------------------------------------- sick


class Net(nn.Module):
    """Goes wrong from a chosen step on."""

    def __init__(self, how: str = "", since: int = 18) -> None:
        super().__init__()
        self.encoder, self.head, self.turn = nn.Linear(3, 4), nn.Linear(4, 1), 0
        self.how, self.since = how, since

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.turn += 1
        wrong = self.turn > self.since
        code = torch.tanh(self.encoder(x))
        if wrong and self.how == "cut":
            code = code.detach()
        out = self.head(code)
        return (out - out.detach()).abs().sqrt() if wrong and self.how == "nan" else out


def train(net: nn.Module, steps: int = STEPS, *, clear: bool = True, restore: bool = False) -> object:
    optimizer = sgd(net)
    kept = copy.deepcopy(net.state_dict())
    for _ in range(steps):
        if clear:
            optimizer.zero_grad()
        net(x()).pow(2).mean().backward()
        optimizer.step()
        if restore:
            net.load_state_dict(kept)
    return net, optimizer


def never_used() -> object:
    net = mlp()
    net.register_module("spare", nn.Linear(3, 1))
    net.forward = lambda x: net[2](net[1](net[0](x)))  # type: ignore[method-assign]
    return train(net)


def never_stepped() -> object:
    net, head = mlp(3, 4), nn.Linear(4, 1)
    optimizer, forgotten = sgd(net), sgd(head)
    for _ in range(STEPS):
        optimizer.zero_grad()
        forgotten.zero_grad()
        head(net(x())).pow(2).mean().backward()
        optimizer.step()
    return net, head, optimizer, forgotten


def rounded_away() -> object:
    net = nn.Linear(3, 1).bfloat16()
    nn.init.ones_(net.weight)
    optimizer = sgd(net, lr=1e-5)
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(x().bfloat16()).pow(2).mean().backward()
        optimizer.step()
    return net, optimizer


@pytest.mark.parametrize(
    ("program", "codes"),
    [
        (lambda: train(Net("cut", since=0)), {"TR202"}),
        (lambda: train(Net("nan")), {"TR304"}),
        (lambda: train(mlp(), clear=False), {"TR306"}),
        (lambda: train(mlp(), restore=True), {"TR502"}),
        (never_used, {"TR201"}),
        (never_stepped, {"TR401"}),
        (rounded_away, {"TR501"}),
    ],
)
def test_a_sick_program_is_found(program: Program, codes: set[str]) -> None:
    assert alarms(sampled(program)) == codes


# --------------------------------------------------------------------------- which steps


def test_the_first_steps_and_every_nth_are_recorded_and_a_note_tells_which() -> None:
    recording = sampled(plain)
    assert looked_at(recording) == [1, 2, 3, 7, 14, 21, 28, 35]
    assert recording.report().notes == (
        "sampled (--first 3 --every 7): of the steps, 8 were looked at (1-3, 7, 14, 21, 28, 35); "
        "the others were only counted",
    )
    row = recording.report()["0.weight"]
    assert row.message.startswith("SGD `optimizer` used its gradient in 8 of 8 steps that were looked at")
    assert (row.grad.accumulated, row.value.steps, recording.trace.header.steps) == (8, 8, 40)


def test_what_passed_unseen_is_counted_with_the_leaves_that_moved() -> None:
    recording = sampled(plain)
    gaps = list(recording.trace.of(StepsPassed))
    assert [(gap.since, gap.until, gap.steps) for gap in gaps] == [
        (3, 6, ((0, 3),)),
        *((n, n + 6, ((0, 6),)) for n in (7, 14, 21, 28)),
        (35, 40, ((0, 5),)),
    ]
    assert {gap.moved for gap in gaps} == {(0, 1, 2, 3)}


def test_a_sample_holds_all_that_accumulates_into_one_step() -> None:
    recording = sampled(accumulation)
    counts = dict.fromkeys(looked_at(recording), 0)
    for event in recording.trace.of(GradAccumulated):
        counts[event.step] += 1
    assert counts == dict.fromkeys([1, 2, 3, 7, 14, 21, 28, 35], 16)


def test_a_stretch_holds_a_step_of_each_of_several_optimizers() -> None:
    recording = sampled(three_critic_steps_to_one_of_the_generator)
    last = [event.optimizer for event in recording.trace.of(OptimizerStepped)][-5:]
    assert last == [1, 1, 1, 1, 0]


def test_between_samples_no_hook_is_left_but_those_that_count() -> None:
    net = mlp()
    optimizer = sgd(net)
    before = (len(module_hooks._global_forward_hooks), len(torch.overrides._get_current_function_mode_stack()))
    with tracer.record(net, optimizer, every=100, first=1):
        net(x()).sum().backward()
        optimizer.step()
        now = (len(module_hooks._global_forward_hooks), len(torch.overrides._get_current_function_mode_stack()))
        assert now == before
        assert not any(p._backward_hooks or p._post_accumulate_grad_hooks for p in net.parameters())


def test_an_optimizer_that_steps_in_the_backward_leaves_no_mode_on_the_stack() -> None:
    before = len(torch.overrides._get_current_function_mode_stack())
    recording = sampled(optimizer_in_backward)
    assert len(torch.overrides._get_current_function_mode_stack()) == before
    steps = looked_at(recording)
    assert len(steps) < 4 * 20
    assert steps[-4:] == [steps[-1]] * 4


def test_sampling_changes_no_bit() -> None:
    torch.manual_seed(0)
    expected = warm_up_and_schedule()[0]  # type: ignore[index]
    kept = []
    sampled(lambda: kept.append(warm_up_and_schedule()[0]))  # type: ignore[index]
    assert all(torch.equal(a, b) for a, b in zip(expected.parameters(), kept[0].parameters(), strict=True))


def test_a_gradient_that_is_not_finite_has_all_later_steps_recorded() -> None:
    recording = sampled(lambda: train(Net("nan")))
    assert looked_at(recording) == [1, 2, 3, 7, 14, *range(21, 41)]
    assert "step 21: NaN or Inf in a gradient that a step used; every step from there on was recorded" in (
        recording.report().notes
    )


def test_a_skipped_step_of_a_scaler_raises_nothing() -> None:
    assert len(looked_at(sampled(scaler_that_skips))) < 12


def test_a_change_has_the_steps_after_it_recorded_in_a_row() -> None:
    cut = sampled(lambda: train(Net("cut")))
    assert looked_at(cut) == [1, 2, 3, 7, 14, 21, 22, 23, 28, 35]
    assert cut.report().notes[0] == (
        "step 21: a graph that was not seen before; steps from there on were recorded in a row"
    )
    thawed = sampled(thawed_in_between)
    assert looked_at(thawed) == [1, 2, 3, 7, 14, 21, 22, 23, 28, 35]
    assert "step 20: requires_grad of a parameter changed; steps from there on were recorded in a row" in (
        thawed.report().notes
    )


def test_a_graph_that_differs_from_step_to_step_is_sampled_all_the_same() -> None:
    assert len(looked_at(sampled(graph_that_differs, every=7, first=5))) == 10


def test_a_new_optimizer_is_recorded_when_it_first_steps() -> None:
    def program() -> object:
        net = mlp()
        first = train(net, 12)
        second = sgd(net)
        for _ in range(20):
            second.zero_grad()
            net(x()).pow(2).mean().backward()
            second.step()
        return first, second

    steps = [event.optimizer for event in sampled(program).trace.of(OptimizerStepped)]
    assert steps[:4] == [0, 0, 0, 0]
    assert steps.count(1) >= 3


def test_without_an_optimizer_every_backward_is_recorded() -> None:
    def program() -> object:
        net = mlp()
        for _ in range(20):
            net(x()).pow(2).mean().backward()
        return net

    recording = sampled(program)
    assert len(list(recording.trace.of(BackwardStarted))) == 20
    assert recording.trace.notes == ()


def test_a_step_that_raises_unseen_does_not_end_the_sampling() -> None:
    def program() -> object:
        net = mlp()
        optimizer = sgd(net)
        wrong = {4, 5}
        step = optimizer.step
        for turn in range(1, STEPS):
            optimizer.zero_grad()
            net(x()).pow(2).mean().backward()
            if turn in wrong:
                optimizer.param_groups[0]["lr"] = "no number"
                with pytest.raises(TypeError):
                    step()
                optimizer.param_groups[0]["lr"] = 0.05
            step()
        return net, optimizer

    recording = sampled(program)
    assert looked_at(recording) == [1, 2, 3, 7, 14, 21, 28, 35]
    assert alarms(recording) == set()


def test_numbers_that_mean_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="every=0, first=10"):
        tracer.record(every=0)
