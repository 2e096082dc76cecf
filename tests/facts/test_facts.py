"""Reports agree with plain PyTorch: gradients that accumulated, values whose bits changed, and who owns what.

All scenarios run here; of the cases a sample, of which ``make facts`` runs all.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.facts.comparing import compare
from tests.facts.observer import Observer
from tests.facts.parameters import Fact
from tests.facts.programs import facts_of_scenario, rows_of_scenario
from tracer.scenarios import registry

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

#: Scenarios whose report has rows that are no registered parameter of that name: how many.
UNNAMED = {"plain_list": 4, "non_leaf": 1}


@pytest.mark.filterwarnings("ignore:Using `torch.compile.module.` when there are global hooks:UserWarning")
@pytest.mark.parametrize("name", registry.names())
def test_the_report_of_a_scenario_agrees_with_plain_torch(name: str) -> None:
    rows, _ = rows_of_scenario(name)
    facts, _ = facts_of_scenario(name)
    outcome = compare(rows, facts)
    assert outcome.wrong == []
    assert outcome.left_out.total() == UNNAMED.get(name, 0)
    assert outcome.compared == len(rows) - UNNAMED.get(name, 0)


def test_the_reports_of_some_cases_agree_with_plain_torch(python: Shell, tmp_path: Path) -> None:
    sample = ("206", "211", "219", "235", "243", "263", "318", "434", "438", "502", "520")
    result = python("-m", "tests.facts", *(f"{number}_*" for number in sample), SHARED=str(tmp_path))
    assert "differs" not in result.stdout
    assert result.returncode == 0
    programs, compared, wrong, left_out = re.search(r"tests/cases +(\d+) +(\d+) +(\d+) +(\d+)", result.stdout).groups()
    assert (int(programs), int(wrong), int(left_out)) == (11, 0, 0)
    assert int(compared) >= 30


# --------------------------------------------------------------------------- the observer itself


def seen_in_a_step(*, lr: float) -> dict[str, Fact]:
    with Observer() as observer:
        net = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Linear(1, 1))
        optimizer = torch.optim.SGD([{"params": net[1].bias}, {"params": net[0].parameters()}], lr=lr)
        for _ in range(2):
            net(torch.ones(3, 2)).sum().backward()
            optimizer.step()
    return {fact.names[0]: fact for fact in observer.facts()}


def test_the_observer_counts_gradients_compares_bits_and_reads_param_groups() -> None:
    seen = seen_in_a_step(lr=0.5)
    assert {name: fact.accumulated for name, fact in seen.items()} == dict.fromkeys(seen, 2)
    assert {name: fact.fed for name, fact in seen.items()} == dict.fromkeys(seen, True)
    assert {name: fact.changed for name, fact in seen.items()} == {
        "0.weight": True, "0.bias": True, "1.weight": False, "1.bias": True,
    }  # fmt: skip
    assert {name: fact.owners for name, fact in seen.items()} == {
        "0.weight": [("SGD", 1)], "0.bias": [("SGD", 1)], "1.weight": [], "1.bias": [("SGD", 0)],
    }  # fmt: skip


def test_a_part_that_outlives_its_network_keeps_the_name_it_had_there() -> None:
    with Observer() as observer:
        net = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Linear(1, 1))
        net(torch.ones(3, 2)).sum().backward()
        kept = net[1]
        del net
    assert sorted(fact.names for fact in observer.facts()) == [["0.bias"], ["0.weight"], ["1.bias"], ["1.weight"]]
    assert kept.weight.grad is not None


def test_the_observer_leaves_no_hook_behind() -> None:
    before = len(torch.nn.modules.module._global_forward_pre_hooks), torch.optim.Optimizer.__init__
    seen_in_a_step(lr=0.5)
    assert (len(torch.nn.modules.module._global_forward_pre_hooks), torch.optim.Optimizer.__init__) == before


def row(name: str, accumulated: int = 1, changed: bool | None = True) -> dict[str, object]:
    grad, value = {"accumulated": accumulated}, {"changed": changed}
    return {
        "name": name,
        "shape": [2],
        "requires_grad": True,
        "grad": grad,
        "value": value,
        "optimizers": [{"class": "SGD", "group": 0}],
    }


def fact(name: str, accumulated: int = 1, walk: int = 1) -> Fact:
    return Fact([name], [], walk, [2], True, True, accumulated, True, [("SGD", 0)])


def test_each_difference_is_told_with_both_values() -> None:
    outcome = compare([row("w", accumulated=3, changed=False)], [fact("w")])
    assert outcome.wrong == [
        "w: accumulated is 3 in the report, 1 by torch",
        "w: changed is False in the report, True by torch",
    ]


def test_parameters_of_one_name_in_several_models_are_compared_as_a_set() -> None:
    assert compare([row("w", 1), row("w", 5)], [fact("w", 5), fact("w", 1)]).wrong == []
    assert len(compare([row("w", 1), row("w", 5)], [fact("w", 5), fact("w", 5)]).wrong) == 1


def test_a_parameter_that_another_one_replaced_is_not_the_one_in_the_report() -> None:
    outcome = compare([row("w", 1)], [fact("w", 7, walk=1), fact("w", 1, walk=2)])
    assert (outcome.compared, outcome.wrong) == (1, [])
