"""The engine on hand-made events: no torch; the facts are literal and so are the answers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.diagnosis.settings import Settings
from tracer.errors import UsageError
from tracer.events import (
    BackwardEnded,
    BackwardStarted,
    CutFound,
    Event,
    GradAccumulated,
    GradMeasured,
    GradTouched,
    GraphSeen,
    Group,
    GroupsSeen,
    LeafSeen,
    ModelSeen,
    Node,
    OptimizerSeen,
    OptimizerStepped,
    PlaceSeen,
    StepSkipped,
    ValueMeasured,
)
from tracer.traces import Header, Trace

HEAD: tuple[Event, ...] = (
    PlaceSeen(0, "train.py", 10, "main"),
    PlaceSeen(1, "train.py", 20, "main"),
    PlaceSeen(2, "net.py", 34, "forward"),
    PlaceSeen(3, "net.py", 30, "forward"),
    ModelSeen(0, "net", "Net"),
    OptimizerSeen(0, "optimizer", "Adam", 0),
)


def parameter(key: int, name: str, *, requires_grad: bool = True, kind: str = "parameter") -> LeafSeen:
    return LeafSeen(key, 0, name, (), (2, 2), "float32", "cpu", requires_grad, kind)


def groups(*leaves: int, lr: float = 0.1, step: int = 1) -> GroupsSeen:
    return GroupsSeen(step, 0, (Group(leaves, lr, 0.0, 0.9),))


def graph(*leaves: int) -> GraphSeen:
    nodes = (Node("MseLossBackward0"), *(Node("AccumulateGrad", leaf=leaf) for leaf in leaves))
    return GraphSeen(0, "g", nodes, tuple((0, i + 1, i) for i in range(len(leaves))))


def backward(step: int, *leaves: int, stale: bool = False) -> tuple[Event, ...]:
    return (
        BackwardStarted(step, step - 1, "backward", 0, (0,), 1),
        *(GradAccumulated(step, step - 1, leaf, stale) for leaf in leaves),
        BackwardEnded(step, step - 1),
    )


def stepped(step: int, leaf: int, norm: float | None, *, changed: bool = True) -> tuple[Event, ...]:
    return (
        OptimizerStepped(step, 0, 1),
        GradMeasured(step, leaf, "step", norm, 0.0 if norm else 1.0, True, 0),
        ValueMeasured(step, leaf, changed, 0, 0.1 if changed else 0.0, 1.0),
    )


def trace(*events: Event) -> Trace:
    return Trace(Header(), (*HEAD, *events))


def test_a_parameter_that_a_step_moved_by_its_gradient_is_updated() -> None:
    report = diagnose(trace(parameter(0, "w"), groups(0), graph(0), *backward(1, 0), *stepped(1, 0, 2.0)))
    row = report["w"]
    assert (row.verdict, row.severity, row.confidence) == ("updated", "ok", "certain")
    assert report.findings == ()
    assert (row.grad.accumulated, row.grad.norm, row.value.update_ratio) == (1, 2.0, 0.1)
    assert report.graph == {"nodes": 2, "edges": 1, "leaves": 1, "accumulated": 1}


def test_a_cut_names_line_block_and_fix() -> None:
    cut = CutFound(1, 0, 1, "no_grad", "linear", 2, block=3)
    events = (parameter(0, "head"), parameter(1, "body"), groups(0, 1), graph(0))
    report = diagnose(trace(*events, *backward(1, 0), cut, *stepped(1, 0, 2.0)))
    row = report["body"]
    assert row.verdict == "cut"
    assert [(w.file, w.line, w.role) for w in row.where] == [("net.py", 34, "cut"), ("net.py", 30, "block")]
    assert "net.py:30" in row.fix
    assert report["head"].verdict == "updated"


def test_the_cut_nearest_to_the_loss_decides_between_cut_and_no_derivative() -> None:
    near = CutFound(1, 0, 1, "argmax", "argmax", 2, depth=0)
    far = CutFound(1, 0, 1, "detach", "detach", 3, depth=1)
    events = (parameter(0, "head"), parameter(1, "body"), groups(0, 1), graph(0))
    report = diagnose(trace(*events, *backward(1, 0), far, near, *stepped(1, 0, 2.0)))
    assert report["body"].verdict == "non_differentiable"
    assert [w.line for w in report["body"].where] == [34, 30]


def test_a_cut_behind_no_optimizer_is_a_target_network_and_quiet() -> None:
    cut = CutFound(1, 0, 1, "detach", "detach", 2)
    events = (parameter(0, "online"), parameter(1, "target"), groups(0), graph(0))
    report = diagnose(trace(*events, *backward(1, 0), cut, *stepped(1, 0, 2.0)))
    assert (report["target"].verdict, report["target"].severity) == ("frozen", "ok")
    assert report.findings == ()


def test_several_parameters_with_one_cause_make_one_finding() -> None:
    cuts = [CutFound(1, 0, key, "detach", "detach", 2) for key in (1, 2, 3)]
    seen = [parameter(key, f"body.{key}") for key in (1, 2, 3)]
    events = (parameter(0, "head"), *seen, groups(0, 1, 2, 3), graph(0))
    report = diagnose(trace(*events, *backward(1, 0), *cuts, *stepped(1, 0, 2.0)))
    assert [(f.code, f.parameters) for f in report.findings] == [("TR202", (1, 2, 3))]


def test_a_reset_between_backward_and_step_is_cleared_with_its_line() -> None:
    touch = GradTouched(1, 0, "cleared", 2, "zero_grad")
    run = (*backward(1, 0), touch, *stepped(1, 0, None, changed=False))
    report = diagnose(trace(parameter(0, "w"), groups(0), graph(0), *run))
    assert report["w"].verdict == "cleared"
    assert ("net.py", 34, "cleared") in [(w.file, w.line, w.role) for w in report["w"].where]


def test_a_reset_before_the_own_backward_is_no_finding() -> None:
    touch = GradTouched(1, 0, "cleared", 2, "zero_grad")
    run = (*backward(1, 0), touch, *backward(2, 0), *stepped(1, 0, 1.0))
    report = diagnose(trace(parameter(0, "w"), groups(0), graph(0), *run))
    assert report["w"].verdict == "updated"


def test_lr_zero_in_all_steps_is_a_finding_but_a_warm_up_is_none() -> None:
    still = stepped(1, 0, 1.0, changed=False)
    whole = trace(parameter(0, "w"), groups(0, lr=0.0), graph(0), *backward(1, 0), *still)
    assert diagnose(whole)["w"].verdict == "lr_zero"
    later = (groups(0, lr=0.1, step=2), *backward(2, 0), *stepped(2, 0, 1.0))
    assert diagnose(Trace(Header(), (*whole.events, *later)))["w"].verdict == "updated"


def test_stale_gradients_in_every_later_step_are_not_cleared() -> None:
    run = [event for n in (1, 2, 3) for event in (*backward(n, 0, stale=n > 1), *stepped(n, 0, float(n)))]
    report = diagnose(trace(parameter(0, "w"), groups(0), graph(0), *run))
    assert report["w"].verdict == "grad_not_cleared"
    once = [event for n in (1, 2, 3) for event in (*backward(n, 0, stale=n == 2), *stepped(n, 0, 1.0))]
    assert diagnose(trace(parameter(0, "w"), groups(0), graph(0), *once))["w"].verdict == "updated"


def test_an_owned_parameter_whose_optimizer_never_stepped_is_no_step() -> None:
    report = diagnose(trace(parameter(0, "w"), groups(0), graph(0), *backward(1, 0)))
    assert report["w"].verdict == "no_step"


def test_a_few_skipped_steps_are_only_mentioned() -> None:
    skip = StepSkipped(1, 0, (0,), 1)
    run = (*backward(1, 0), skip, *backward(2, 0), *stepped(2, 0, 1.0), *backward(3, 0), *stepped(3, 0, 1.0))
    report = diagnose(trace(parameter(0, "w"), groups(0), graph(0), *run))
    assert report["w"].verdict == "updated"
    assert [(f.code, f.severity) for f in report.findings] == [("TR404", "info")]
    only = diagnose(trace(parameter(0, "w"), groups(0), graph(0), *backward(1, 0), skip))
    assert only["w"].verdict == "step_skipped"


def test_frozen_and_picked_by_hand_is_a_verdict_frozen_in_a_whole_model_is_not() -> None:
    events = (parameter(0, "a"), parameter(1, "d", requires_grad=False), parameter(2, "b"))
    run = (graph(0), *backward(1, 0), *stepped(1, 0, 1.0))
    picked = diagnose(trace(*events, groups(0, 1), *run))
    assert (picked["d"].verdict, picked["d"].severity) == ("frozen_in_optimizer", "info")
    whole = diagnose(trace(*events, groups(0, 1, 2), *run))
    assert whole["d"].verdict == "frozen"
    assert "TR106" in whole["d"].findings


def test_without_value_comparison_updated_is_only_probable() -> None:
    run = (*backward(1, 0), OptimizerStepped(1, 0, 1), GradMeasured(1, 0, "step", 1.0, 0.0, True, 0))
    events = (*HEAD, parameter(0, "w"), groups(0), graph(0), *run)
    report = diagnose(Trace(Header(values_compared=False), events))
    assert (report["w"].verdict, report["w"].confidence) == ("updated", "probable")
    assert any("TR501" in note for note in report.notes)


def test_an_empty_trace_gives_an_empty_report() -> None:
    report = diagnose(Trace())
    assert (len(report), report.findings, report.graph["nodes"]) == (0, (), 0)


def test_unknown_and_wrong_settings_are_refused_with_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"no rule has the setting 'TR999\.x'"):
        Settings({"TR999.x": 1.0})
    with pytest.raises(UsageError, match=r"the setting TR302\.ratio got 'small'"):
        Settings.parse({"TR302.ratio": "small"})
    assert Settings.parse({"TR302.ratio": "1e-4"})["TR302.ratio"] == 1e-4


def test_diagnosis_loads_no_torch() -> None:
    code = "import sys, tracer.diagnosis.engine as e; e.all_rules(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_step_whose_backward_came_before_the_recording_is_judged_by_what_the_step_saw() -> None:
    report = diagnose(trace(parameter(0, "w"), groups(0), *stepped(1, 0, 2.0)))
    assert report["w"].verdict == "updated"
    assert report.notes == ()


def test_a_rule_that_fails_is_told_and_takes_nothing_of_the_others_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from tracer.diagnosis import engine
    from tracer.diagnosis.rules import all_rules

    def broken(leaf: object, facts: object) -> None:
        raise ZeroDivisionError("mine")

    rules = [replace(rule, check=broken) if rule.code == "TR301" else rule for rule in all_rules()]
    monkeypatch.setattr(engine, "all_rules", lambda: rules)
    report = diagnose(trace(parameter(0, "w"), groups(0), graph(0), *backward(1, 0), *stepped(1, 0, 2.0)))
    assert report["w"].verdict == "updated"
    assert report.notes == ("TR301 zero_grad was not judged: the rule itself failed for w (ZeroDivisionError: mine).",)
