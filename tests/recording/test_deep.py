"""Deep graphs outlive the recording and are freed without overflowing the stack (seen on torch 2.13)."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess

Shell = Callable[..., "CompletedProcess[str]"]

CHAIN = """
import torch, tracer
w = torch.nn.Parameter(torch.ones(8))
def chain(length):
    y = w * 1.0
    for _ in range(length):
        y = y * 1.0001
    return y.sum()
"""


def run(python: Shell, body: str) -> str:
    done = python("-c", CHAIN + body)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_chain_of_70_000_nodes_can_be_dropped_during_the_recording(python: Shell) -> None:
    body = "with tracer.record(detail='graph') as r:\n    chain(70_000).backward()\nprint(r.report().graph['nodes'])"
    assert run(python, body) == "70003\n"


def test_a_chain_of_70_000_nodes_can_be_dropped_long_after_the_recording(python: Shell) -> None:
    body = """
with tracer.record(detail='graph'):
    loss = chain(70_000)
    loss.backward()
import weakref
class Mark: pass
mark = Mark()
gone = weakref.ref(mark)
node = loss.grad_fn
for _ in range(60_000):
    node = node.next_functions[0][0]
node.metadata['mark'] = mark
del node, mark
del loss
for _ in range(2):  # the rest is freed as soon as Python runs on
    pass
print(gone())
"""
    assert run(python, body) == "None\n"


def test_a_chain_that_lives_until_the_interpreter_ends_does_no_harm(python: Shell) -> None:
    body = "with tracer.record(detail='graph'):\n    loss = chain(70_000)\n    loss.backward()\nprint('end')"
    assert run(python, body) == "end\n"


def test_a_path_that_is_cut_again_and_again_can_be_dropped(python: Shell) -> None:
    body = """
with tracer.record(detail='graph'):
    y = w * 1.0
    for i in range(60_000):
        y = y * 1.0001
        if i % 100 == 0:
            y.detach()
    y.sum()
    del y
print('dropped')
"""
    assert run(python, body) == "dropped\n"
