"""Small bugs that other detectors answer with one sentence: each told apart here, each with its line.

A three-layer network and one fault per program; ``# here`` marks the line that must be named first.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from tracer.diagnosis.engine import diagnose  # noqa: E402
from tracer.diagnosis.findings import ParameterReport, Report  # noqa: E402

nn = torch.nn


class Net(nn.Module):
    """Three layers; ``between`` stands between the first and the second."""

    def __init__(self, between: Callable[[torch.Tensor], torch.Tensor] = torch.tanh) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1)
        self.between = between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.c(torch.tanh(self.b(self.between(self.a(x)))))


def fit(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(16, 4)).pow(2).mean().backward()
        optimizer.step()


def adamw(net: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(net.parameters(), lr=1e-2)


def detached() -> object:
    def between(h: torch.Tensor) -> torch.Tensor:
        return torch.tanh(h).detach()  # here

    net = Net(between)
    fit(net, adamw(net))
    return net


def under_no_grad() -> object:
    class Half(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                h = torch.tanh(self.a(x))  # here
            return self.c(torch.tanh(self.b(h)))

    net = Half()
    fit(net, adamw(net))
    return net


def as_number() -> object:
    def between(h: torch.Tensor) -> torch.Tensor:
        scale = h.pow(2).mean().item()  # here
        return torch.full((16, 8), scale)

    net = Net(between)
    fit(net, adamw(net))
    return net


def argmax() -> object:
    def between(h: torch.Tensor) -> torch.Tensor:
        return nn.functional.one_hot(h.argmax(dim=1), 8).float()  # here

    net = Net(between)
    fit(net, adamw(net))
    return net


def rewrapped() -> object:
    def between(h: torch.Tensor) -> torch.Tensor:
        return torch.tensor(h.tolist())  # here

    net = Net(between)
    fit(net, adamw(net))
    return net


def never_called() -> object:
    class Short(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.c(torch.tanh(self.b(x.repeat(1, 2))))

    net = Short()
    fit(net, adamw(net))
    return net


def dead_relu() -> object:
    def between(h: torch.Tensor) -> torch.Tensor:
        return torch.relu(h)  # here

    net = Net(between)
    with torch.no_grad():
        net.a.bias.fill_(-100.0)
    fit(net, adamw(net))
    return net


def frozen() -> object:
    net = Net()
    net.a.requires_grad_(False)  # here
    fit(net, adamw(net))
    return net


def left_out_of_the_optimizer() -> object:
    net = Net()
    optimizer = torch.optim.AdamW([*net.b.parameters(), *net.c.parameters()], lr=1e-2)  # here
    fit(net, optimizer)
    return net


def lr_zero() -> object:
    net = Net()
    rest = [*net.b.parameters(), *net.c.parameters()]
    groups = [{"params": net.a.parameters(), "lr": 0.0}, {"params": rest}]
    optimizer = torch.optim.AdamW(groups, lr=1e-2)  # here
    fit(net, optimizer)
    return net


def optimizer_of_a_copy() -> object:
    net = Net()
    optimizer = adamw(copy.deepcopy(net))
    fit(net, optimizer)
    return net, optimizer


def loss_without_graph() -> object:
    net = Net()
    optimizer = adamw(net)
    for _ in range(3):
        optimizer.zero_grad()
        loss = net(torch.randn(16, 4)).pow(2).mean()
        loss = torch.tensor(loss.item(), requires_grad=True)  # here
        loss.backward()
        optimizer.step()
    return net


#: program -> (verdict of a.weight, a word that its sentence has and the others lack)
BUGS: dict[Callable[[], object], tuple[str, str]] = {
    detached: ("cut", "detach"),
    under_no_grad: ("cut", "no_grad"),
    as_number: ("cut", "item"),
    argmax: ("non_differentiable", "argmax"),
    rewrapped: ("cut", "tolist"),
    never_called: ("unused", "never called"),
    dead_relu: ("zero_grad", "relu"),
    frozen: ("frozen", "requires_grad"),
    left_out_of_the_optimizer: ("not_in_optimizer", "optimizer"),
    lr_zero: ("lr_zero", "learning rate"),
    optimizer_of_a_copy: ("stale_in_optimizer", "stead"),
    loss_without_graph: ("detached_loss", "leaf"),
}


def record(program: Callable[[], object]) -> Report:
    from tracer.recording.session import Session

    torch.manual_seed(0)
    session = Session()
    with session:
        kept = program()
    del kept
    return diagnose(session.trace)


def first_layer(program: Callable[[], object]) -> ParameterReport:
    return next(p for p in record(program) if p.name == "a.weight" and p.verdict != "orphan")


def marked_line(program: Callable[[], object]) -> int | None:
    lines, first = inspect.getsourcelines(program)
    return next((first + i for i, line in enumerate(lines) if line.rstrip().endswith("# here")), None)


@pytest.fixture(scope="module")
def rows() -> dict[Callable[[], object], ParameterReport]:
    return {program: first_layer(program) for program in BUGS}


each_bug = pytest.mark.parametrize("program", list(BUGS), ids=lambda p: p.__name__)
Rows = dict[Callable[[], object], ParameterReport]


@each_bug
def test_each_has_its_verdict_and_says_why(program: Callable[[], object], rows: Rows) -> None:
    verdict, word = BUGS[program]
    assert rows[program].verdict == verdict
    assert word in rows[program].message


@each_bug
def test_each_names_its_line(program: Callable[[], object], rows: Rows) -> None:
    line = marked_line(program)
    where = [w.line for w in rows[program].where]
    if line is None:
        assert where, rows[program]
    else:
        assert line in where[:3], (where, line, rows[program].message)


def test_no_two_say_the_same(rows: Rows) -> None:
    assert len({row.message for row in rows.values()}) == len(BUGS)
    assert len({(row.verdict, row.fix) for row in rows.values()}) == len(BUGS)
