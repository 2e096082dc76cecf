"""PyTorch's own databases of modules, optimizers and ops, as programs to observe.

They ship inside the wheel (``torch.testing._internal``) with inputs for every entry, and need ``expecttest``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from tests.neutral.observing import Program, structure, tensors_in

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Case:
    """One entry of a database with all its inputs. ``skipped`` says why it cannot be run here."""

    kind: str  #: "module", "optimizer" or "op"
    name: str
    program: Program
    skipped: str = ""


def cases(kind: str) -> Iterator[Case]:
    """Yield the cases of one kind, in the order of PyTorch's database."""
    yield from {"module": _modules, "optimizer": _optimizers, "op": _ops}[kind]()


def _told(program: Program) -> Any:
    """Return the program's result, or what it raised: an entry's other inputs are still to be run."""
    try:
        return program()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _backward(outputs: Any, inputs: list[torch.Tensor]) -> list[Any]:
    """Run backward twice from all outputs that have a graph; return the graph and the gradients."""
    roots = [t for t in tensors_in(outputs) if t.requires_grad and t.grad_fn is not None]
    if not roots:
        return []
    seeds = [torch.ones_like(root) for root in roots]
    graph = repr(structure(*roots))
    torch.autograd.backward(roots, seeds, retain_graph=True)
    torch.autograd.backward(roots, seeds)
    return [graph, [t.grad for t in inputs]]


# --------------------------------------------------------------------------- modules


def _modules() -> Iterator[Case]:
    from torch.testing._internal.common_modules import module_db

    for info in module_db:
        if torch.float32 not in info.supported_dtypes("cpu"):
            yield Case("module", info.formatted_name, list, "it takes no float32 on the CPU")
            continue
        yield Case("module", info.formatted_name, partial(_run_module, info))


def _run_module(info: Any) -> list[Any]:
    found = []
    for training in (True, False):
        inputs = info.module_inputs_func(info, CPU, torch.float32, True, training=training)
        found += [_told(partial(_call_module, info.module_cls, each, training)) for each in inputs]
    return found


def _call_module(cls: Any, given: Any, training: bool) -> Any:
    made, called = given.constructor_input, given.forward_input
    module = cls(*made.args, **made.kwargs)
    module.train(training)
    if called is None:
        return module.state_dict()
    leaves = [t for t in tensors_in([list(called.args), called.kwargs]) if t.is_leaf and t.requires_grad]
    output = module(*called.args, **called.kwargs)
    after = _backward(output, [*module.parameters(), *leaves])
    return [output, after, dict(module.state_dict())]


# --------------------------------------------------------------------------- optimizers


def _optimizers() -> Iterator[Case]:
    from torch.testing._internal.common_optimizers import optim_db

    for info in optim_db:
        yield Case("optimizer", info.optim_cls.__name__, partial(_run_optimizer, info))


def _run_optimizer(info: Any) -> list[Any]:
    from torch.testing._internal.common_optimizers import _get_optim_inputs_including_global_cliquey_kwargs as inputs

    return [
        _told(partial(_train, info, given)) for given in inputs("cpu", torch.float32, info, skip=["differentiable"])
    ]


def _train(info: Any, given: Any) -> Any:
    sparse = bool(getattr(info, "only_supports_sparse_grads", False))
    model = torch.nn.Sequential(
        torch.nn.Embedding(7, 4, sparse=sparse), torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)
    )
    parameters = list(model[0].parameters()) if sparse else list(model.parameters())
    if "Muon" in info.optim_cls.__name__:
        parameters = [p for p in parameters if p.ndim == 2]
    optimizer = info.optim_cls(parameters, **given.kwargs)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        found: torch.Tensor = model(torch.randint(0, 7, (5,))).square().mean()
        found.backward()
        return found

    losses = [optimizer.step(loss) if info.step_requires_closure else _step(optimizer, loss) for _ in range(3)]
    return [losses, [p.grad for p in parameters], list(model.parameters()), copy.deepcopy(optimizer.state_dict())]


def _step(optimizer: torch.optim.Optimizer, loss: Any) -> torch.Tensor:
    found: torch.Tensor = loss()
    optimizer.step()
    return found


# --------------------------------------------------------------------------- ops


def _ops() -> Iterator[Case]:
    from torch.testing._internal.common_methods_invocations import op_db

    for op in op_db:
        supported = op.supported_dtypes("cpu")
        dtype = next((d for d in (torch.float32, torch.float64, torch.complex64) if d in supported), None)
        dtype = dtype or next(iter(sorted(supported, key=str)), None)
        name = op.formatted_name
        if dtype is None:
            yield Case("op", name, list, "it takes no dtype on the CPU")
        else:
            yield Case("op", name, partial(_run_op, op, dtype))


def _run_op(op: Any, dtype: torch.dtype) -> list[Any]:
    differentiable = op.supports_autograd and (dtype.is_floating_point or dtype.is_complex)
    return [
        _told(partial(_call_op, op, sample)) for sample in op.sample_inputs("cpu", dtype, requires_grad=differentiable)
    ]


def _call_op(op: Any, sample: Any) -> Any:
    given = [sample.input, list(sample.args), sample.kwargs]
    leaves = [t for t in tensors_in(given) if t.is_leaf and t.requires_grad]
    output = op(sample.input, *sample.args, **sample.kwargs)
    return [output, _backward(output, leaves)]
