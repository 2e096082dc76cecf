"""Every private PyTorch name that the recorder uses, each with a fallback.

A missing name switches one ability off and is told in ``MISSING``; it never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

#: One sentence per private name that this PyTorch lacks; the session turns them into notes.
MISSING: list[str] = []


def find(root: Any, path: str, lost: str) -> Any:
    """Return ``root.path``, or None after writing down what is lost without it."""
    found = root
    for part in path.split("."):
        found = getattr(found, part, None)
        if found is None:
            MISSING.append(f"this PyTorch has no {path}: {lost}")
            return None
    return found


_sequence: Callable[[], int] | None = find(
    torch, "_C._autograd._get_sequence_nr", "source lines and modules of autograd nodes are not recorded"
)


def sequence_number() -> int:
    """Return the number that the next autograd node of this thread gets; 0 where PyTorch does not tell."""
    return _sequence() if _sequence is not None else 0


def node_sequence(node: Any) -> int:
    """Return the sequence number of a node; AccumulateGrad has the greatest possible one."""
    read = getattr(node, "_sequence_nr", None)
    return int(read()) if read is not None else id(node)


def without_torch_function() -> AbstractContextManager[Any]:
    """Return a context in which no ``__torch_function__`` runs, ours included."""
    guard = getattr(torch._C, "DisableTorchFunction", None)
    return guard() if guard is not None else nullcontext()


def foreach_norm(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return the L2 norms of tensors of one device and dtype, in as few kernels as possible."""
    many = getattr(torch, "_foreach_norm", None)
    if many is None:
        return [torch.linalg.vector_norm(t) for t in tensors]
    return list(many(tensors))


def backward_hooks(tensor: torch.Tensor) -> Any:
    """Return the ordered dict of hooks on a tensor, or None."""
    return getattr(tensor, "_backward_hooks", None)


def engine_owners() -> Iterable[tuple[Any, str]]:
    """Yield (module, name) under which ``torch.autograd`` looks its engine entry up."""
    for owner in (torch.autograd, torch.autograd.graph):
        if hasattr(owner, "_engine_run_backward"):
            yield owner, "_engine_run_backward"


def is_functional(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is wrapped by functorch, fake or functionalised: its values cannot be read."""
    if type(tensor).__name__ in ("FakeTensor", "FunctionalTensor"):
        return True
    check = getattr(getattr(torch._C, "_functorch", None), "is_functorch_wrapped_tensor", None)
    return bool(check(tensor)) if check is not None else False


def is_compiling() -> bool:
    """Tell whether code is being traced by ``torch.compile`` or exported rather than run."""
    return bool(torch.compiler.is_compiling())


def current_function_mode() -> Any:
    """Return the innermost active ``TorchFunctionMode``, or None."""
    read = getattr(torch.overrides, "_get_current_function_mode", None)
    return read() if read is not None else None


def user_function_modes() -> int:
    """Return how many function modes are active, without the one that ``set_default_device`` keeps at the bottom."""
    read = getattr(torch.overrides, "_get_current_function_mode_stack", None)
    if read is None:
        return int(current_function_mode() is not None)
    standing = getattr(getattr(torch, "_GLOBAL_DEVICE_CONTEXT", None), "device_context", None)
    return sum(mode is not standing for mode in read())


def leave_function_mode(mode: Any) -> None:
    """Take a mode off the stack, also from below modes that were entered after it and are still active."""
    pop, push = getattr(torch.overrides, "_pop_mode", None), getattr(torch.overrides, "_push_mode", None)
    read = getattr(torch.overrides, "_get_current_function_mode_stack", None)
    if pop is None or push is None or read is None:
        mode.__exit__(None, None, None)
        return
    stack = read()
    if not any(known is mode for known in stack):
        return
    above: list[Any] = []
    while True:
        top = pop()
        if top is mode:
            break
        above.append(top)
    for other in reversed(above):
        push(other)
