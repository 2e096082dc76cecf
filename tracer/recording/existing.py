"""A trace of a graph that exists already: what can be known of a loss without running anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from tracer.errors import UsageError
from tracer.events import (
    BackwardStarted,
    Event,
    GradMeasured,
    GraphSeen,
    LeafSeen,
    Node,
    Noted,
)
from tracer.recording.mailbox import now
from tracer.recording.measure import fetch, norms, readable
from tracer.recording.nodes import Walk
from tracer.recording.torch_compat import without_torch_function
from tracer.traces import Header, Trace

Tensor = torch.Tensor


def trace_of_loss(
    outputs: Any, params: Mapping[str, Tensor] | None = None, *, attrs: int = 0, saved: bool = False
) -> Trace:
    """Return a trace of the graph behind one tensor or several; nothing runs, no hook is left.

    Args:
        outputs: a tensor, or a list or tuple of them.
        params: name -> tensor, as ``dict(model.named_parameters())``. Those that the graph does not reach are
            in the trace too. Other leaves of the graph are called ``leaf 0``, ``leaf 1``, ...

    Raises:
        UsageError: when an output is no tensor, or ``params`` holds something else than tensors.
    """
    roots = _tensors(outputs)
    named = _named(params)
    with without_torch_function(), torch.no_grad():
        walk = Walk([tensor.grad_fn for tensor in roots])
        leaves = _leaves(named, walk.variables.values())
        return Trace(_header(walk, leaves), tuple(_events(roots, walk, leaves, attrs, saved)))


def _tensors(outputs: Any) -> list[Tensor]:
    found = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    wrong = next((thing for thing in found if not isinstance(thing, Tensor)), None)
    if wrong is not None or not found:
        seen = "nothing" if not found else f"a {type(wrong).__name__}"
        raise UsageError(f"the picture was asked for {seen}.", "Give a tensor, or a tuple of tensors: make_dot(loss).")
    return found


def _named(params: Mapping[str, Tensor] | None) -> list[tuple[str, Tensor]]:
    if params is None:
        return []
    if not isinstance(params, Mapping):
        raise UsageError(f"params is a {type(params).__name__}.", "Give a dict: dict(model.named_parameters()).")
    for name, tensor in params.items():
        if not isinstance(tensor, Tensor):
            raise UsageError(f"params[{name!r}] is a {type(tensor).__name__}.", "Each must be a tensor.")
    return [(str(name), tensor) for name, tensor in params.items()]


def _leaves(named: Sequence[tuple[str, Tensor]], variables: Iterable[Tensor]) -> dict[int, tuple[Tensor, list[str]]]:
    """Return the leaves by ``id``, each with its names; a tied one has several."""
    found: dict[int, tuple[Tensor, list[str]]] = {}
    for name, tensor in named:
        found.setdefault(id(tensor), (tensor, []))[1].append(name)
    nameless = (variable for variable in variables if id(variable) not in found)
    for number, variable in enumerate(nameless):
        found[id(variable)] = (variable, [f"leaf {number}"])
    return found


def _header(walk: Walk, leaves: Mapping[int, tuple[Tensor, list[str]]]) -> Header:
    devices = sorted({str(tensor.device) for tensor, _ in leaves.values()})
    return Header(
        torch=str(torch.__version__),
        detail="graph",
        device=",".join(devices) or "cpu",
        optimizers_known=False,
        values_compared=False,
        program="",
    )


def _events(
    roots: list[Tensor], walk: Walk, leaves: dict[int, tuple[Tensor, list[str]]], attrs: int, saved: bool
) -> Iterable[Event]:
    keys = {mark: key for key, mark in enumerate(leaves)}
    for mark, (tensor, names) in leaves.items():
        kind = "input" if names[0].startswith("leaf ") and not isinstance(tensor, torch.nn.Parameter) else "parameter"
        yield LeafSeen(
            keys[mark], None, names[0], tuple(names[1:]), tuple(int(n) for n in tensor.shape),
            str(tensor.dtype).removeprefix("torch."), str(tensor.device), bool(tensor.requires_grad), kind,
        )  # fmt: skip
    yield from _grads([(keys[mark], tensor) for mark, (tensor, _) in leaves.items()])
    if walk.nodes:
        nodes = tuple(
            Node(
                walk.names[i],
                leaf=keys[id(walk.variables[i])] if i in walk.variables else None,
                details=tuple(_details(node, attrs, saved)),
            )
            for i, node in enumerate(walk.nodes)
        )
        yield GraphSeen(0, "", nodes, tuple(walk.edges), walk.truncated)
    else:
        yield Noted("the tensor has no graph: it requires no grad, or is a leaf")
    root = roots[0]
    value = float(root) if root.numel() == 1 and not root.is_complex() and readable(root) else None
    yield BackwardStarted(
        1, 0, "tensor", 0 if walk.nodes else None, walk.roots,
        root_requires_grad=bool(root.requires_grad), root_is_leaf=bool(root.is_leaf and root.requires_grad),
        root_value=value, root_shape=tuple(int(n) for n in root.shape),
    )  # fmt: skip


def _grads(leaves: list[tuple[int, Tensor]]) -> Iterable[Event]:
    """Yield what stands in ``.grad`` of each leaf now."""
    held = [(key, tensor.grad) for key, tensor in leaves if tensor.is_leaf and tensor.grad is not None]
    measurable = [(key, grad) for key, grad in held if readable(grad)]
    values = now(fetch(norms([grad for _, grad in measurable])))
    for (key, _), norm in zip(measurable, values, strict=True):
        yield GradMeasured(1, key, "found", norm, finite=norm == norm and abs(norm) != float("inf"))


def _details(node: Any, attrs: int, saved: bool) -> Iterable[str]:
    """Yield the attributes of a node, and the shapes of what it saved; none once backward has freed them."""
    if not attrs and not saved:
        return
    for name in dir(node):
        if not name.startswith("_saved_"):
            continue
        try:
            value = getattr(node, name)
        except (RuntimeError, AttributeError, NotImplementedError):
            continue  # freed by a backward, or unpacked by hooks of the user's that fail
        word = name.removeprefix("_saved_")
        if isinstance(value, Tensor):
            if saved:
                yield f"saved {word}: {' × '.join(map(str, value.shape)) or 'scalar'}"
        elif isinstance(value, tuple) and any(isinstance(item, Tensor) for item in value):
            if saved:
                yield f"saved {word}: {len(value)} tensors"
        elif attrs:
            yield f"{word} = {value!r}"[: len(word) + 3 + attrs]
