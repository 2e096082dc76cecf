"""Intended patterns raise nothing above info: each is a real program under a recorder."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from tracer.diagnosis.engine import diagnose  # noqa: E402
from tracer.diagnosis.findings import Report  # noqa: E402

nn = torch.nn
STEPS = 4


def record(program: Callable[[], object]) -> Report:
    from tracer.recording.session import Session

    torch.manual_seed(0)
    session = Session()
    with session:
        kept = program()
    del kept
    return diagnose(session.trace)


def mlp(inputs: int = 3, outputs: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 6), nn.Tanh(), nn.Linear(6, outputs))


def sgd(*modules: nn.Module, lr: float = 0.05) -> torch.optim.Optimizer:
    return torch.optim.SGD([p for m in modules for p in m.parameters()], lr=lr)


def x(columns: int = 3) -> torch.Tensor:
    return torch.randn(8, columns)


def frozen_backbone() -> object:
    body, head = mlp(3, 4).requires_grad_(False), nn.Linear(4, 1)
    optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()])
    for _ in range(STEPS):
        optimizer.zero_grad()
        head(body(x())).pow(2).mean().backward()
        optimizer.step()
    return body, head


def one_step_with_a_closure() -> object:
    net = mlp()
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=2)
    batch = x()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = net(batch).pow(2).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    return net


def backbone_under_no_grad() -> object:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = mlp(3, 4), nn.Linear(4, 1)

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                features = self.body(batch)
            return self.head(features)

    net = Net()
    optimizer = sgd(net.head)
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(x()).pow(2).mean().backward()
        optimizer.step()
    return net


def ema_target() -> object:
    online = mlp()
    target = copy.deepcopy(online)
    optimizer = sgd(online)
    for _ in range(STEPS):
        batch = x()
        goal = target(batch).detach()
        optimizer.zero_grad()
        (online(batch) - goal - 1).pow(2).mean().backward()
        optimizer.step()
        with torch.no_grad():
            for a, b in zip(target.parameters(), online.parameters(), strict=True):
                a.lerp_(b, 0.1)
    return online, target


def ema_target_inside_and_handed_over() -> object:
    class Byol(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.online = mlp()
            self.target = copy.deepcopy(self.online)

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                goal = self.target(batch)
            return (self.online(batch) - goal - 1).pow(2).mean()

    net = Byol()
    optimizer = sgd(net)
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(x()).backward()
        optimizer.step()
        with torch.no_grad():
            for a, b in zip(net.target.parameters(), net.online.parameters(), strict=True):
                a.mul_(0.9).add_(b, alpha=0.1)
    return net


def target_copied_every_few_steps() -> object:
    policy = mlp(3, 2)
    target = mlp(3, 2)
    target.load_state_dict(policy.state_dict())
    optimizer = torch.optim.Adam(policy.parameters())
    for step in range(6):
        state, after = x(), x()
        with torch.no_grad():
            best = target(after).max(1).values
        value = policy(state).gather(1, torch.zeros(8, 1, dtype=torch.long)).squeeze(1)
        optimizer.zero_grad()
        nn.functional.smooth_l1_loss(value, 1 + 0.9 * best).backward()
        optimizer.step()
        if step % 3 == 2:
            target.load_state_dict(policy.state_dict())
    return policy, target


def gan() -> object:
    gen, disc = mlp(2, 3), mlp(3, 1)
    first, second = sgd(gen), sgd(disc)
    for _ in range(STEPS):
        real, fake = x(), gen(x(2))
        second.zero_grad()
        (disc(fake.detach()).mean() - disc(real).mean()).backward()
        second.step()
        first.zero_grad()
        (-disc(fake).mean()).backward()
        first.step()
    return gen, disc


def gan_without_detach() -> object:
    gen, disc = mlp(2, 3), mlp(3, 1)
    first, second = sgd(gen), sgd(disc)
    for _ in range(STEPS):
        second.zero_grad()
        (disc(gen(x(2))).mean() - disc(x()).mean()).backward()
        second.step()
        first.zero_grad()
        (-disc(gen(x(2))).mean()).backward()
        first.step()
    return gen, disc


def wasserstein_critic_whose_last_bias_cancels() -> object:
    critic = mlp()
    optimizer = sgd(critic)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (critic(x()).mean() - critic(x()).mean()).backward()
        optimizer.step()
    return critic


def lora() -> object:
    base = nn.Linear(3, 3).requires_grad_(False)
    a, b = nn.Parameter(torch.randn(2, 3)), nn.Parameter(torch.zeros(3, 2))
    optimizer = torch.optim.AdamW([a, b], lr=0.01)
    for _ in range(STEPS):
        batch = x()
        optimizer.zero_grad()
        (base(batch) + batch @ a.t() @ b.t() - 1).pow(2).mean().backward()
        optimizer.step()
    return base, a, b


def accumulation() -> object:
    net = mlp()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for i in range(8):
        (net(x()).pow(2).mean() / 4).backward()
        if i % 4 == 3:
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
    return net


def lbfgs() -> object:
    net = mlp()
    optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=3)
    batch = x()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (net(batch) - 1).pow(2).mean()
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    return net


def warm_up_from_zero() -> object:
    net = mlp()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 3))
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(x()).pow(2).mean().backward()
        optimizer.step()
        schedule.step()
    return net


def schedule_that_ends_at_zero() -> object:
    net = mlp()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / 2))
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(x()).pow(2).mean().backward()
        optimizer.step()
        schedule.step()
    return net


def optimizer_in_backward() -> object:
    net = mlp()
    owners = {p: torch.optim.SGD([p], lr=0.05) for p in net.parameters()}

    def step(parameter: torch.Tensor) -> None:
        owners[parameter].step()
        owners[parameter].zero_grad()

    for parameter in net.parameters():
        parameter.register_post_accumulate_grad_hook(step)
    for _ in range(STEPS):
        net(x()).pow(2).mean().backward()
    return net, owners


def evaluation() -> object:
    net = mlp().eval()
    with torch.no_grad():
        for _ in range(STEPS):
            net(x())
    return net


def expert_not_picked_in_some_steps() -> object:
    experts = nn.ModuleList([nn.Linear(3, 1) for _ in range(2)])
    optimizer = torch.optim.Adam(experts.parameters())
    for step in range(STEPS):
        optimizer.zero_grad()
        experts[step % 2](x()).pow(2).mean().backward()
        optimizer.step()
    return experts


def scaler_calibrates() -> object:
    net = mlp()
    optimizer = sgd(net)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**125, growth_interval=1000, backoff_factor=2.0**-20)
    for _ in range(6):
        optimizer.zero_grad()
        scaler.scale((net(x()) - 5).pow(2).mean() * 100).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    return net


def handwritten_descent() -> object:
    weight = torch.randn(3, 1, requires_grad=True)
    for _ in range(STEPS):
        (x() @ weight - 1).pow(2).mean().backward()
        with torch.no_grad():
            weight -= 0.1 * weight.grad
        weight.grad = None
    return weight


def bare_leaf_optimized() -> object:
    image = torch.rand(4, 4, requires_grad=True)
    optimizer = torch.optim.Adam([image], lr=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (image - 0.5).pow(2).sum().backward()
        optimizer.step()
    return image


def ema_swapped_in_for_evaluation() -> object:
    net = mlp()
    mean = [p.detach().clone() for p in net.parameters()]
    optimizer = sgd(net)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (net(x()) - 1).pow(2).mean().backward()
        optimizer.step()
        with torch.no_grad():
            for m, p in zip(mean, net.parameters(), strict=True):
                m.lerp_(p, 0.5)
            kept = [p.clone() for p in net.parameters()]
            for m, p in zip(mean, net.parameters(), strict=True):
                p.copy_(m)
            net(x())
            for k, p in zip(kept, net.parameters(), strict=True):
                p.copy_(k)
    return net


def best_checkpoint_restored_at_the_end() -> object:
    net = mlp()
    optimizer = sgd(net)
    best = {}
    for step in range(STEPS):
        optimizer.zero_grad()
        (net(x()) - 1).pow(2).mean().backward()
        optimizer.step()
        if step == 1:
            best = copy.deepcopy(net.state_dict())
    net.load_state_dict(best)
    return net


def critic_weights_clamped() -> object:
    net = mlp()
    optimizer = sgd(net)
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(x()).mean().backward()
        optimizer.step()
        with torch.no_grad():
            for p in net.parameters():
                p.clamp_(-0.1, 0.1)
    return net


def gradients_averaged_by_hand() -> object:
    net = mlp()
    optimizer = sgd(net)
    for _ in range(STEPS):
        optimizer.zero_grad()
        for _ in range(2):
            net(x()).pow(2).mean().backward()
        for p in net.parameters():
            p.grad /= 2
        optimizer.step()
    return net


def adversarial_input() -> object:
    net = mlp()
    optimizer = sgd(net)
    for _ in range(STEPS):
        batch = x().requires_grad_(True)
        net(batch).pow(2).mean().backward()
        moved = (batch + 0.1 * batch.grad.sign()).detach()
        optimizer.zero_grad()
        net(moved).pow(2).mean().backward()
        optimizer.step()
    return net


def padded_embedding() -> object:
    table, head = nn.Embedding(9, 4, padding_idx=0), nn.Linear(4, 1)
    optimizer = sgd(table, head)
    for _ in range(STEPS):
        optimizer.zero_grad()
        head(table(torch.randint(0, 5, (8,)))).pow(2).mean().backward()
        optimizer.step()
    return table, head


def teacher_gives_hard_labels() -> object:
    teacher, student = mlp(3, 2), mlp(3, 2)
    optimizer = sgd(student)
    for _ in range(STEPS):
        batch = x()
        optimizer.zero_grad()
        nn.functional.cross_entropy(student(batch), teacher(batch).argmax(1)).backward()
        optimizer.step()
    return teacher, student


def optimizer_built_anew_for_each_phase() -> object:
    net = mlp()
    for _ in range(2):
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        for _ in range(2):
            optimizer.zero_grad()
            net(x()).pow(2).mean().backward()
            optimizer.step()
    return net, optimizer


def batch_with_infinite_loss_left_out() -> object:
    net = mlp()
    optimizer = sgd(net)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = (net(x()) * (float("inf") if step == 1 else 1.0)).pow(2).mean()
        loss.backward()
        if torch.isfinite(loss):
            optimizer.step()
    return net


PATTERNS = [
    value
    for value in list(globals().values())
    if getattr(value, "__annotations__", {}).get("return") == "object" and value.__module__ == __name__
]


@pytest.mark.parametrize("program", PATTERNS, ids=[p.__name__ for p in PATTERNS])
def test_intended_pattern_raises_no_alarm(program: Callable[[], object]) -> None:
    report = record(program)
    assert len(report) > 0
    loud = [(f.code, report.names_of(f), f.message) for f in report.findings if f.severity in ("error", "warning")]
    assert loud == []
    assert all(row.severity in ("ok", "info") for row in report)


@pytest.mark.parametrize(
    ("program", "verdicts"),
    [
        (frozen_backbone, {"updated", "frozen"}),
        (one_step_with_a_closure, {"updated"}),
        (backbone_under_no_grad, {"updated", "frozen"}),
        (ema_target, {"updated", "frozen"}),
        (ema_target_inside_and_handed_over, {"updated", "frozen"}),
        (gan, {"updated"}),
        (gan_without_detach, {"updated"}),
        (lora, {"updated", "frozen"}),
        (lbfgs, {"updated"}),
        (warm_up_from_zero, {"updated"}),
        (optimizer_in_backward, {"updated"}),
        (handwritten_descent, {"updated"}),
        (bare_leaf_optimized, {"updated"}),
        (ema_swapped_in_for_evaluation, {"updated"}),
        (best_checkpoint_restored_at_the_end, {"updated"}),
        (scaler_calibrates, {"updated"}),
        (teacher_gives_hard_labels, {"updated", "frozen"}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_intended_pattern_has_quiet_verdicts(program: Callable[[], object], verdicts: set[str]) -> None:
    assert {row.verdict for row in record(program)} == verdicts
