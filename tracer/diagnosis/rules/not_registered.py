"""A tensor of a module gets gradients, but is no registered parameter of it.

``nn.Module`` registers what is assigned to an attribute as ``nn.Parameter`` or ``nn.Module``. Modules in
a plain list, dict or tuple, and plain tensors with ``requires_grad=True``, are not seen by
``parameters()``: no optimizer gets them, ``state_dict`` does not save them and ``to(device)`` leaves them
behind.

Fix: keep modules in ``nn.ModuleList`` or ``nn.ModuleDict``, tensors as ``nn.Parameter`` (in
``nn.ParameterList`` when there are several).

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import arrived, handwritten, made_anew
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable, Where
from tracer.diagnosis.lines import line_at, made_lines, text_of, times
from tracer.diagnosis.saying import found
from tracer.events import GradAccumulated, LeafSeen, ModuleSeen

CODE = "TR104"
NAME = "not_registered"
REQUIRES = (LeafSeen, GradAccumulated)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if made_anew(leaf, facts) > 1:
        return _made_anew(leaf, facts)
    if leaf.seen.kind != "unregistered" or leaf.seen.model is None or leaf.owners or leaf.steps:
        return None
    if not arrived(leaf, facts) or handwritten(leaf):
        return None
    outer = _outermost(leaf, facts)
    what = f"the {outer.cls} at {outer.path!r}" if outer is not None else "this tensor"
    cls = leaf.model.cls if leaf.model is not None else "the model"
    message = (
        f"a gradient accumulated in {times(leaf.accumulations, 'backward')}, but "
        f"{cls}.parameters() does not "
        f"list it, because {what} is kept where nn.Module does not look; no optimizer owns it"
    )
    keep = "nn.ModuleList or nn.ModuleDict" if outer is not None else "an nn.Parameter"
    fix = f"keep {what} in {keep}, so that parameters(), state_dict() and to() see it"
    return found(NAME, leaf, message, fix, _lines(leaf, outer, facts))


def _made_anew(leaf: LeafFacts, facts: Facts) -> Finding | None:
    if leaf.ever_owned or not leaf.accumulated or handwritten(leaf):
        return None
    at = text_of(facts, leaf.seen.place)
    message = (
        f"the line{at} made {made_anew(leaf, facts)} such parameters, one after the other: each gets a gradient once, "
        "and no module and no optimizer keeps it"
    )
    fix = f"make it once{at}, as an attribute in __init__ of the module that uses it"
    return found(NAME, leaf, message, fix, line_at(facts, leaf.seen.place, "made"))


def _outermost(leaf: LeafFacts, facts: Facts) -> ModuleSeen | None:
    """Return the outermost module around the leaf that its parent does not register."""
    apart = facts.once("not registered", _not_registered)
    name = leaf.seen.name
    dots = (at for at, letter in enumerate(name) if letter == ".")
    return next((m for at in dots if (m := apart.get((leaf.seen.model, name[:at]))) is not None), None)


def _not_registered(facts: Facts) -> dict[tuple[int | None, str], ModuleSeen]:
    """Return the modules that their parent does not register, by model and path."""
    found: dict[tuple[int | None, str], ModuleSeen] = {}
    for module in facts.modules.values():
        if not module.registered and module.path:
            found.setdefault((module.model, module.path), module)
    return found


def _lines(leaf: LeafFacts, outer: ModuleSeen | None, facts: Facts) -> tuple[Where, ...]:
    own = made_lines(facts, leaf)
    return own if outer is None else (*line_at(facts, outer.place, "made", outer.cls), *own)


def _network(torch: Any, keep: Any) -> Any:
    class Stack(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = keep([torch.nn.Linear(3, 3) for _ in range(2)])
            self.head = torch.nn.Linear(3, 1)

        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                x = torch.tanh(layer(x))
            return self.head(x)

    return Stack()


def _train(torch: Any, keep: Any) -> None:
    torch.manual_seed(0)
    net = _network(torch, keep)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, list)


def good(torch: Any) -> None:
    _train(torch, torch.nn.ModuleList)
