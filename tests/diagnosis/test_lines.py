"""Words and lines for findings."""

from __future__ import annotations

from tracer.diagnosis.facts import Facts
from tracer.diagnosis.lines import optimizers_text
from tracer.events import OptimizerSeen
from tracer.traces import Header


def facts(*optimizers: tuple[str, str]) -> Facts:
    found = Facts(Header())
    found.optimizers.update({key: OptimizerSeen(key, name, cls) for key, (name, cls) in enumerate(optimizers)})
    return found


def test_optimizers_of_one_name_are_named_once() -> None:
    assert optimizers_text(facts(*[("optimizer", "SGD")] * 3), range(3)) == "SGD `optimizer` (3 of that name)"


def test_different_optimizers_are_named_each_and_the_rest_is_counted() -> None:
    several = facts(("a", "SGD"), ("b", "Adam"), ("c", "Adam"), ("d", "Adam"))
    assert optimizers_text(several, [0, 1]) == "SGD `a`, Adam `b`"
    assert optimizers_text(several, range(4)) == "SGD `a`, Adam `b`, Adam `c` and 1 more"
