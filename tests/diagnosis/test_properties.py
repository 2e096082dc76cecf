"""Random small networks whose truth is known by construction: every verdict must equal it.

A network is a chain of layers. Each may be frozen, left out, tied to the first, given to one of two optimizers,
to a group with learning rate 0 or to none, and followed by a cut of one of several kinds. ``TRACER_EXAMPLES=5000``
runs more of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")
hypothesis = pytest.importorskip("hypothesis")
from hypothesis import strategies as st  # noqa: E402

from tracer.diagnosis.engine import diagnose  # noqa: E402
from tracer.diagnosis.findings import Report, Where  # noqa: E402

nn = torch.nn
WIDTH = 3


def by_detach(x: torch.Tensor) -> torch.Tensor:
    return x.detach()


def by_data(x: torch.Tensor) -> torch.Tensor:
    return x.data


def by_numpy(x: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(x.detach().numpy() * 1.0)


def by_rewrap(x: torch.Tensor) -> torch.Tensor:
    return torch.tensor(x.tolist())


def by_comparison(x: torch.Tensor) -> torch.Tensor:
    return (x > x.median()).float()  # never all zeros


def by_argmax(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.one_hot(x.argmax(1), WIDTH).float()


DETACHING = (by_detach, by_data, by_numpy, by_rewrap)
ROUGH = (by_comparison, by_argmax)
CUTS = {cut.__name__: cut for cut in (*DETACHING, *ROUGH)}


@dataclass(frozen=True)
class Layer:
    """What happens to one layer of the chain."""

    frozen: bool
    called: bool
    tied: bool  #: uses the weight of the first layer instead of its own
    no_grad: bool  #: computed inside a ``no_grad`` block
    cut: str  #: what its result goes through; '' = nothing
    owner: str  #: "first", "second" (optimizers), "still" (learning rate 0) or "nobody"


@dataclass(frozen=True)
class Case:
    """A chain, from the input to the last layer but one, and how it is trained."""

    layers: tuple[Layer, ...]
    micro: int  #: backwards per step
    late: bool  #: gradients are cleared between backward and step
    to_none: bool


LAYERS = st.builds(
    Layer,
    frozen=st.sampled_from([False, False, False, True]),
    called=st.sampled_from([True, True, True, True, False]),
    tied=st.sampled_from([False, False, False, True]),
    no_grad=st.sampled_from([False] * 7 + [True]),
    cut=st.sampled_from([""] * 8 + sorted(CUTS)),
    owner=st.sampled_from(["first", "first", "second", "still", "nobody"]),
)
CASES = st.builds(
    Case,
    layers=st.lists(LAYERS, min_size=1, max_size=5).map(tuple),
    micro=st.sampled_from([1, 1, 2]),
    late=st.sampled_from([False] * 5 + [True]),
    to_none=st.booleans(),
)


class Chain(nn.Module):
    """The layers of a case, and a head that always trains."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case = case
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in case.layers)
        self.head = nn.Linear(WIDTH, 1)
        for layer, module in zip(case.layers, self.layers, strict=True):
            module.requires_grad_(not layer.frozen)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer, module in zip(self.case.layers, self.layers, strict=True):
            if layer.called:
                x = self.one(layer, self.layers[0] if layer.tied else module, x)
        return self.head(x)

    def one(self, layer: Layer, module: nn.Module, x: torch.Tensor) -> torch.Tensor:
        if layer.no_grad:
            with torch.no_grad():
                x = torch.tanh(module(x))
        else:
            x = torch.tanh(module(x))
        return CUTS[layer.cut](x) if layer.cut else x


def train(case: Case) -> tuple[Chain, Report, dict[str, bool], dict[str, bool]]:
    """Train three steps; return the report, and torch's own word on which ``.grad`` came and which value moved."""
    from tracer.recording.session import Session

    torch.manual_seed(0)
    session = Session()
    with session:
        net = Chain(case)
        started = {name: p.detach().clone() for name, p in net.named_parameters()}
        came = dict.fromkeys(started, False)
        optimizers = list(build(net))
        for _ in range(3):
            for _ in range(case.micro):
                (net(torch.randn(8, WIDTH)) - 1).pow(2).mean().backward()
            for name, p in net.named_parameters():
                came[name] = came[name] or p.grad is not None
            for optimizer in optimizers:
                if case.late:
                    optimizer.zero_grad(case.to_none)
                optimizer.step()
                optimizer.zero_grad(case.to_none)
    moved = {name: not torch.equal(started[name], p) for name, p in net.named_parameters()}
    return net, diagnose(session.trace), came, moved


def build(net: Chain) -> list[torch.optim.Optimizer]:
    owned: dict[str, list[torch.Tensor]] = {"first": [*net.head.parameters()], "second": [], "still": [], "nobody": []}
    for layer, module in zip(net.case.layers, net.layers, strict=True):
        owned[layer.owner] += module.parameters()
    groups = [{"params": owned["first"]}, {"params": owned["still"], "lr": 0.0}]
    optimizers: list[torch.optim.Optimizer] = [torch.optim.SGD([g for g in groups if g["params"]], lr=0.1)]
    return optimizers + ([torch.optim.Adam(owned["second"])] if owned["second"] else [])


def reached_layers(case: Case) -> tuple[set[int], dict[int, set[str]]]:
    """Return the layers whose weights the loss's graph reaches, and for each other the cuts between it and the loss.

    A weight behind an earlier cut is behind the later one too, once a trainable layer has taken its value in.
    """
    live: set[int] = set()  # the value's graph reaches them
    joined: set[int] = set()  # cut off before, and taken into the graph again
    dark: set[int] = set()  # cut off
    cuts: dict[int, set[str]] = {i: set() for i in range(len(case.layers))}
    for i, layer in enumerate(case.layers):
        if not layer.called:
            continue
        used = 0 if layer.tied else i
        own = set() if case.layers[used].frozen else {used}
        if layer.no_grad:
            for leaf in live | joined | own:
                cuts[leaf].add("no_grad")
            live, joined, dark = set(), set(), dark | live | joined | own
        elif live or own:
            live, joined, dark = live | own, joined | dark, set()
        if layer.cut and live:
            for leaf in live | joined:
                cuts[leaf].add(layer.cut)
            live, joined, dark = set(), set(), live | joined
    return live, cuts


def used_layers(case: Case) -> set[int]:
    return {0 if layer.tied else i for i, layer in enumerate(case.layers) if layer.called}


def truth(case: Case) -> dict[int, set[str]]:
    """Return the verdicts that are right for each layer, by the definitions of the contract."""
    reached, cuts = reached_layers(case)
    used = used_layers(case)
    right: dict[int, set[str]] = {}
    for i, layer in enumerate(case.layers):
        if layer.frozen:
            right[i] = {"frozen", "frozen_in_optimizer"} if layer.owner != "nobody" else {"frozen"}
        elif i in reached:
            right[i] = {_when_reached(layer, case)}
        elif layer.owner == "nobody":
            right[i] = {"frozen"}
        elif i not in used:
            right[i] = {"unused"}
        else:
            right[i] = {"non_differentiable" if cut in {c.__name__ for c in ROUGH} else "cut" for cut in cuts[i]}
    return right


def _when_reached(layer: Layer, case: Case) -> str:
    if layer.owner == "nobody":
        return "not_in_optimizer"
    if case.late:
        return "cleared"
    return "lr_zero" if layer.owner == "still" else "updated"


def profile() -> hypothesis.settings:
    wanted = os.environ.get("TRACER_EXAMPLES")
    return hypothesis.settings(
        max_examples=int(wanted or 40),
        derandomize=wanted is None,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )


@profile()
@hypothesis.given(CASES)
def test_verdicts_facts_and_lines_equal_the_truth_by_construction(case: Case) -> None:
    _, report, came, moved = train(case)
    for name, got in came.items():
        assert (report[name].grad.accumulated > 0) == got, name
        assert report[name].value.changed == moved[name], name
    for i, right in truth(case).items():
        for name in (f"layers.{i}.weight", f"layers.{i}.bias"):
            row = report[name]
            assert row.verdict in right, f"{name}: {row.verdict}, should be {right}: {row.message}"
        if right & {"cut", "non_differentiable"}:
            _check_line(report[f"layers.{i}.weight"].where, reached_layers(case)[1][i])
    assert report["head.weight"].verdict == ("cleared" if case.late else "updated")


def _check_line(where: tuple[Where, ...], cuts: set[str]) -> None:
    """The first line named is that of a cut on the way."""
    functions = [line.function.rpartition(".")[2] for line in where if line.role == "cut"]
    assert functions[0] in {"one" if cut == "no_grad" else cut for cut in cuts}, where
