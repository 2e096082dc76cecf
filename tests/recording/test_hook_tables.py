"""Global hooks come and go while PyTorch goes through its tables, and the user's hooks among them stay right."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module
from torch.optim import optimizer as optimizers

import tracer

TABLES = [
    (optimizers, "_global_optimizer_pre_hooks", optimizers.register_optimizer_step_pre_hook),
    (optimizers, "_global_optimizer_post_hooks", optimizers.register_optimizer_step_post_hook),
    (module, "_global_parameter_registration_hooks", module.register_module_parameter_registration_hook),
    (module, "_global_module_registration_hooks", module.register_module_module_registration_hook),
]
every_table = pytest.mark.parametrize(("owner", "name", "register"), TABLES, ids=[name for _, name, _ in TABLES])


def step() -> None:
    """Do all that runs these hooks."""
    net = nn.Sequential(nn.Linear(2, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()


@pytest.fixture(autouse=True)
def tables_are_as_before() -> Iterator[None]:
    before = [(getattr(owner, name), dict(getattr(owner, name))) for owner, name, _ in TABLES]
    yield
    for (owner, name, _), (table, content) in zip(TABLES, before, strict=True):
        assert getattr(owner, name) is table
        assert dict(table) == content


@every_table
def test_a_recording_may_begin_and_end_while_hooks_run(owner: Any, name: str, register: Callable[..., Any]) -> None:
    recording = tracer.record()

    def begin(*_: Any) -> None:
        if not recording._session._running:
            recording.__enter__()

    def end(*_: Any) -> None:
        recording.__exit__(None, None, None)

    for meanwhile in (begin, end):
        handles = [register(meanwhile), register(lambda *_: None)]
        try:
            step()
        finally:
            for handle in handles:
                handle.remove()
    assert not recording._session._running


def test_recordings_begin_and_end_while_other_threads_train() -> None:
    failures: list[BaseException] = []
    over = threading.Event()

    def work() -> None:
        try:
            while not over.is_set():
                step()
        except BaseException as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=work) for _ in range(2)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(60):
            with tracer.record():
                step()
    finally:
        over.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert failures == []


@every_table
def test_a_hook_of_the_user_from_before_runs_once_a_time_and_ours_after_it(
    owner: Any, name: str, register: Callable[..., Any]
) -> None:
    calls: list[int] = []
    handle = register(lambda *_: calls.append(1))
    step()
    plain = len(calls)
    with tracer.record() as outer, tracer.record():
        step()
    handle.remove()
    step()
    assert plain >= 1
    assert len(calls) == 2 * plain
    assert outer.report().header.steps == 1


@every_table
def test_a_hook_that_the_user_registers_meanwhile_outlives_the_recording_and_its_handle_removes_it(
    owner: Any, name: str, register: Callable[..., Any]
) -> None:
    calls: list[int] = []
    with tracer.record():
        handle = register(lambda *_: calls.append(1))
        step()
    plain = len(calls)
    step()
    assert plain >= 1
    assert len(calls) == 2 * plain
    with tracer.record():
        handle.remove()
        step()
    step()
    assert len(calls) == 2 * plain


@every_table
def test_the_tables_that_recordings_share_go_with_the_last(owner: Any, name: str, register: Callable[..., Any]) -> None:
    real = getattr(owner, name)
    first, second = tracer.record(), tracer.record()
    first.__enter__()
    shared = getattr(owner, name)
    second.__enter__()
    first.__exit__(None, None, None)
    assert getattr(owner, name) is shared is not real
    second.__exit__(None, None, None)
    assert getattr(owner, name) is real


def test_a_table_reads_like_the_one_it_stands_for() -> None:
    handle = optimizers.register_optimizer_step_pre_hook(print)
    try:
        with tracer.record():
            table = optimizers._global_optimizer_pre_hooks
            assert handle.id in table
            assert table[handle.id] is print
            assert len(table) == len(list(table)) == len(table.values()) == 2
            assert table.items()[0] == (handle.id, print)
            assert table.items()[1][0] < 0
    finally:
        handle.remove()


def test_a_table_that_someone_else_put_in_meanwhile_stays() -> None:
    real, theirs = optimizers._global_optimizer_pre_hooks, OrderedDict[int, Any]()
    try:
        with tracer.record():
            optimizers._global_optimizer_pre_hooks = theirs
        assert optimizers._global_optimizer_pre_hooks is theirs
        with tracer.record() as recording:
            step()
        assert optimizers._global_optimizer_pre_hooks is theirs
    finally:
        optimizers._global_optimizer_pre_hooks = real
    assert theirs == {}
    assert recording.report().header.steps == 1
