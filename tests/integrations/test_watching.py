"""``tracer.watch``: samples of a long run, findings that are sustained, and next to nothing in between."""

from __future__ import annotations

import copy
import gc
import io
import json
import logging
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module as module_hooks
from torch.optim import optimizer as optimizer_hooks
from torch.overrides import TorchFunctionMode

import tracer
from tracer.errors import UsageError
from tracer.integrations.samples import Sample, Told
from tracer.integrations.sinks.wandb import WandbSink


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.head = nn.Linear(3, 4), nn.Linear(4, 1)
        self.cut = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        code = torch.tanh(self.encoder(x))
        return self.head(code.detach() if self.cut else code)


class Run:
    """A training run that a test drives step by step."""

    def __init__(self, **options: Any) -> None:
        torch.manual_seed(0)
        self.net = Net()
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)
        self.samples: list[Sample] = []
        self.watcher = tracer.watch(self.net, self.optimizer, sink=self.samples.append, **options)

    def train(self, steps: int) -> None:
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.net(torch.ones(2, 3)).pow(2).mean().backward()
            self.optimizer.step()


@pytest.fixture(autouse=True)
def _nothing_of_the_test_before() -> None:
    gc.collect()


def hooks() -> tuple[int, ...]:
    return (
        len(module_hooks._global_forward_hooks),
        len(module_hooks._global_forward_pre_hooks),
        len(optimizer_hooks._global_optimizer_pre_hooks),
        len(optimizer_hooks._global_optimizer_post_hooks),
        len(torch.overrides._get_current_function_mode_stack()),
    )


def test_the_first_and_every_nth_step_are_recorded() -> None:
    run = Run(every=10, first=2)
    run.train(25)
    assert [sample.step for sample in run.samples] == [1, 2, 10, 20]


def test_a_sample_carries_norms_ratios_and_verdicts_by_name() -> None:
    run = Run(every=10)
    run.train(1)
    metrics = run.samples[0].metrics()
    assert set(run.samples[0].grad_norm) == {"encoder.weight", "encoder.bias", "head.weight", "head.bias"}
    assert metrics["grad_norm/head.bias"] == pytest.approx(run.samples[0].grad_norm["head.bias"])
    assert "update_ratio/encoder.weight" in metrics
    assert run.samples[0].verdicts == {"updated": 4}


def test_training_is_the_same_bit_for_bit_with_and_without() -> None:
    run = Run(every=3)
    run.train(7)
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(7):
        optimizer.zero_grad()
        net(torch.ones(2, 3)).pow(2).mean().backward()
        optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), run.net.parameters(), strict=True))


def test_between_samples_no_hook_is_left() -> None:
    before = hooks()
    run = Run(every=10)
    assert hooks() != before
    run.train(1)
    assert hooks() == before
    assert all(not p._backward_hooks and not p._post_accumulate_grad_hooks for p in run.net.parameters())
    run.watcher.unwatch()
    assert "step" not in vars(run.optimizer)


def test_a_finding_is_told_once_when_it_is_sustained_and_once_when_it_ends() -> None:
    run = Run(every=1, patience=2)
    run.train(2)
    run.net.cut = True
    run.train(4)
    run.net.cut = False
    run.train(4)
    started = [(s.step, t.code, t.parameters) for s in run.samples for t in s.started]
    ended = [(s.step, t.code, t.parameters) for s in run.samples for t in s.ended]
    assert started == [(4, "TR202", ("encoder.weight", "encoder.bias"))]
    assert ended == [(8, "TR202", ("encoder.weight", "encoder.bias"))]
    text = run.samples[3].started[0].text
    assert "code.detach() if self.cut else code" in text


def test_one_odd_step_tells_nothing() -> None:
    run = Run(every=1, patience=2)
    run.train(2)
    run.net.cut = True
    run.train(1)
    run.net.cut = False
    run.train(3)
    assert [t for s in run.samples for t in s.started] == []
    assert run.watcher.findings == ()


def test_schedulers_made_before_and_after_it_work_and_warn_of_nothing() -> None:
    net = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    early = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    samples: list[Sample] = []
    with tracer.watch(net, optimizer, every=1, sink=samples.append):
        late = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
        net(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        early.step()
        late.step()
    assert optimizer.param_groups[0]["lr"] == 0.25
    assert len(samples) == 1


def test_model_and_optimizer_can_be_saved_and_copied_while_watched() -> None:
    run = Run(every=1)
    run.train(1)
    torch.save(run.net, io.BytesIO())
    twin, twin_optimizer = copy.deepcopy(run.net), copy.deepcopy(run.optimizer)
    assert "step" not in vars(twin_optimizer)
    twin(torch.ones(1, 3)).sum().backward()
    run.train(1)
    assert [sample.step for sample in run.samples] == [1, 2]


def test_an_exception_of_the_users_passes_and_the_watch_goes_on() -> None:
    run = Run(every=1)
    run.train(1)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        run.net(torch.ones(2, 7))
    run.train(2)
    assert [sample.step for sample in run.samples] == [1, 2, 3]


def test_a_sink_that_fails_is_dropped_with_one_warning() -> None:
    def broken(sample: Sample) -> None:
        raise OSError("disk full")

    net = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    kept: list[Sample] = []
    with tracer.watch(net, optimizer, every=1, sink=[broken, kept.append]):
        net(torch.ones(1, 2)).sum().backward()
        with pytest.warns(RuntimeWarning, match=r"the sink CallSink failed .*OSError: disk full"):
            optimizer.step()
        optimizer.step()
    assert len(kept) == 2


def test_it_keeps_neither_model_nor_optimizer_alive() -> None:
    run = Run(every=1)
    run.train(2)
    refs = [weakref.ref(run.net), weakref.ref(run.optimizer), weakref.ref(run.net.head.weight)]
    run.watcher.unwatch()
    watcher = run.watcher
    del run
    gc.collect()
    assert [ref() for ref in refs] == [None, None, None]
    assert watcher.step == 2


def test_a_function_mode_of_the_users_around_the_step_is_left_in_order() -> None:
    class Mine(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return func(*args, **(kwargs or {}))

    before = hooks()
    run = Run(every=1)
    for _ in range(3):
        with Mine():
            run.train(1)
            assert any(isinstance(mode, Mine) for mode in torch.overrides._get_current_function_mode_stack())
        assert not any(isinstance(mode, Mine) for mode in torch.overrides._get_current_function_mode_stack())
    run.watcher.unwatch()
    assert hooks() == before
    assert [sample.step for sample in run.samples] == [1, 2, 3]


def test_recording_in_between_is_possible_and_costs_the_sample() -> None:
    run = Run(every=2, first=0)
    with tracer.record(run.net, run.optimizer) as recording:
        run.train(2)
    assert recording.report()["head.weight"].value.steps == 2
    assert run.samples == []
    run.train(2)
    assert [sample.step for sample in run.samples] == [4]


def test_alternating_optimizers_are_one_sample_each_round() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 1)
    optimizers = {"a": torch.optim.SGD(first.parameters(), lr=0.1), "b": torch.optim.SGD(second.parameters(), lr=0.1)}
    samples: list[Sample] = []
    with tracer.watch({"first": first, "second": second}, optimizers, every=1, sink=samples.append):
        for _ in range(2):
            first(torch.ones(1, 2)).sum().backward()
            optimizers["a"].step()
            second(torch.ones(1, 2)).sum().backward()
            optimizers["b"].step()
    assert [sample.verdicts for sample in samples] == [{"updated": 4}, {"updated": 4}]


def test_the_log_gets_findings_with_their_line(caplog: pytest.LogCaptureFixture) -> None:
    net = Net()
    net.cut = True
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with caplog.at_level(logging.WARNING, "tracer.watch"), tracer.watch(net, optimizer, every=1):
        for _ in range(3):
            net(torch.ones(1, 3)).sum().backward()
            optimizer.step()
    assert len(caplog.records) == 1
    assert "step 2: TR202 cut: encoder.weight, encoder.bias" in caplog.text


def test_a_jsonl_file_has_one_object_per_sample(tmp_path: Path) -> None:
    run = Run(every=1)
    run.watcher.unwatch()
    path = tmp_path / "run.jsonl"
    with tracer.watch(run.net, run.optimizer, every=1, sink=path):
        run.train(2)
        with torch.no_grad():
            run.net.head.bias.fill_(float("nan"))
        run.train(1)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert rows[2]["grad_norm"]["head.bias"] == "nan"


def test_two_findings_of_one_code_and_an_end_are_one_text() -> None:
    first, second, third = (Told("TR202", "cut", "error", (name,), f"TR202 cut: {name}") for name in "abc")
    rows: list[dict[str, Any]] = []
    run = type("Run", (), {"log": lambda self, row: rows.append(row)})()
    WandbSink(run).write(Sample(3, started=(first, second), ended=(third,)))
    assert rows[0]["tracer/TR202"] == "TR202 cut: a\n\nTR202 cut: b\n\nno longer holds for c"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"every": 0}, "every=0, first=1, patience=2"),
        ({"sink": "nowhere"}, "sink is 'nowhere'"),
        ({"optimizer": None}, "there is no optimizer to watch"),
        ({"model": 3}, "model is a int"),
    ],
)
def test_wrong_arguments_are_one_sentence(options: dict[str, Any], sentence: str) -> None:
    net = nn.Linear(1, 1)
    given = {"model": net, "optimizer": torch.optim.SGD(net.parameters(), lr=0.1), "sink": None, **options}
    with pytest.raises(UsageError, match=sentence):
        tracer.watch(**given)
