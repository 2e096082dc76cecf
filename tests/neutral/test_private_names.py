"""Private names of PyTorch that may be gone one day: each is taken away in turn, and costs a note at most."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import tracer
from tracer.recording import torch_compat

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

#: name -> whether a note must say what is lost without it
PRIVATE = {
    "_C._autograd._get_sequence_nr": True,
    "_C.DisableTorchFunction": True,
    "_C._len_torch_dispatch_stack": True,
    "utils._python_dispatch._disable_current_modes": True,
    "_C._functorch": True,
    "_C._functorch.peek_interpreter_stack": True,
    "_C._functorch.is_functorch_wrapped_tensor": False,
    "_C._functorch.is_legacy_batchedtensor": False,
    "_functorch.pyfunctorch.temporarily_clear_interpreter_stack": True,
    "_C._get_tracing_state": True,
    "_C._set_tracing_state": True,
    "_C._is_tracing": False,
    "_C._len_torch_function_stack": False,
    "_C._current_graph_task_id": False,
    "_guards.TracingContext": True,
    "_guards.TracingContext.try_get": True,
    "_foreach_norm": False,
    "_GLOBAL_DEVICE_CONTEXT": False,
    "overrides._get_current_function_mode": False,
    "overrides._get_current_function_mode_stack": False,
    "overrides._pop_mode": False,
    "overrides._push_mode": False,
    "autograd._engine_run_backward": False,
    "autograd.graph._engine_run_backward": False,
    "nn.modules.module._has_any_global_hook": False,
}
#: Names that stand in something else than the package ``torch``, and where they are tested.
ELSEWHERE = {
    "_global_optimizer_pre_hooks", "_global_optimizer_post_hooks", "_global_parameter_registration_hooks",
    "_global_module_registration_hooks", "_global_forward", "_global_backward",  # test_hook_tables.py, below
    "_sequence_nr", "_backward_hooks", "_post_accumulate_grad_hooks", "_orig_mod",  # below
    "_get_fsdp_state", "_fsdp_param_groups", "_fsdp_param_group", "_unsharded_param",  # below
}  # fmt: skip

TRAIN = """
import importlib, json, sys
import torch

class Without:
    '''A module of PyTorch that lacks one name, also in what it holds.'''
    def __init__(self, real, path):
        self.__dict__["_real"], self.__dict__["_path"] = real, path
    def __getattr__(self, name):
        head, _, rest = self._path.partition(".")
        if name == head and not rest:
            raise AttributeError(name)
        found = getattr(self._real, name)
        return Without(found, rest) if name == head else found
    def __setattr__(self, name, value):
        setattr(self._real, name, value)

def train(name):
    for known in [known for known in sys.modules if known.partition(".")[0] == "tracer"]:
        del sys.modules[known]
    sys.modules["torch"] = Without(torch, name)
    try:
        tracer = importlib.import_module("tracer")
        importlib.import_module("tracer.recording.session")
    finally:
        sys.modules["torch"] = torch
    with tracer.record(detail="full") as recording:
        net = torch.nn.Linear(2, 1)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        net(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    left = len(torch.overrides._get_current_function_mode_stack())
    return [sorted(row.verdict for row in recording.report()), list(recording.report().notes), left]

print(json.dumps({name: train(name) for name in sys.argv[1:]}))
"""


def test_a_missing_private_name_costs_a_note_at_most(tmp_path: Path, python: Shell) -> None:
    names = [name for name in PRIVATE if _there(name)]
    assert len(names) > 18
    (tmp_path / "main.py").write_text(TRAIN)
    done = python("-W", "error", "main.py", *names)
    assert done.returncode == 0, done.stderr
    for name, (verdicts, notes, left) in json.loads(done.stdout).items():
        assert (name, left) == (name, 0)
        assert (name, [note for note in notes if "the tracer failed" in note]) == (name, [])
        last = name.rpartition(".")[2]
        assert (name, any(last in note for note in notes)) == (name, PRIVATE[name] or name == "_C._functorch")
        if "engine" not in name:
            assert (name, verdicts) == (name, ["updated", "updated"])


def _there(name: str) -> bool:
    found: Any = torch
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is not None


def test_every_private_name_is_tested() -> None:
    """A name with an underscore that is new in ``torch_compat`` has to be entered above."""
    source = Path(torch_compat.__file__).read_text()
    texts = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
    used = {text for text in texts if isinstance(text, str) and re.fullmatch(r"([\w.]+\.)?_[a-zA-Z]\w*(\.\w+)?", text)}
    known = ELSEWHERE | set(PRIVATE) | {name.rpartition(".")[2] for name in PRIVATE}
    assert used - known == set()
    assert used | set(re.findall(r"\b_\w+", source)) >= ELSEWHERE


def test_this_pytorch_has_every_private_name() -> None:
    assert torch_compat.MISSING == []


def test_without_pytorchs_tables_the_public_way_to_put_in_hooks_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(torch.nn.modules.module._global_module_registration_hooks)
    with monkeypatch.context() as patch:
        patch.setattr(torch_compat, "_SAFE", set())
        with tracer.record() as recording:
            net = nn.Sequential(nn.Linear(2, 1))
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            net(torch.ones(1, 2)).sum().backward()
            optimizer.step()
    assert recording.report().header.steps == 1
    assert torch.nn.modules.module._global_module_registration_hooks == before


def test_things_without_their_private_attributes_are_taken_as_having_none() -> None:
    bare: Any = SimpleNamespace()
    assert torch_compat.node_sequence(bare) == id(bare)
    assert torch_compat.backward_hooks(bare) is None
    assert torch_compat.post_accumulate_hooks(bare) == {}
    assert torch_compat.gathered_parameters(bare) == []
    assert torch_compat.gathered_parameters(SimpleNamespace(_get_fsdp_state=lambda: SimpleNamespace())) == []
    group = SimpleNamespace(fsdp_params=[SimpleNamespace(sharded_param=1)])
    state = SimpleNamespace(_fsdp_param_group=group)
    assert torch_compat.gathered_parameters(SimpleNamespace(_get_fsdp_state=lambda: state)) == []


def test_a_wrapper_without_what_it_wraps_is_none() -> None:
    class OptimizedModule(nn.Module):
        pass

    assert torch_compat.wrapped_module(OptimizedModule()) is None
