"""Every private PyTorch name that the recorder uses, each with a fallback.

A missing name switches one ability off and is told in ``MISSING``; it never raises.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from types import FrameType
from typing import Any

import torch

from tracer.recording import hook_tables

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
    """Return a context for work of our own: what the user's program has switched on does not see it.

    No ``__torch_function__`` runs in it, ours included, no dispatch mode, no ``torch.func`` transform and no
    ``torch.jit`` tracing.
    """
    for is_on in _SEEING:
        if is_on():
            return _apart()
    return _no_function() if _no_function is not None else nullcontext()


@contextmanager
def _apart() -> Iterator[None]:
    with ExitStack() as stack:
        for enter in (_no_function, _no_dispatch, _no_transform, _no_tracing):
            if enter is not None:
                stack.enter_context(enter())
        yield


#: Tell whether something is on that would see what we do.
_SEEING: list[Callable[[], Any]] = []


def _hidden(is_on: str, switch: str, what: str) -> Any:
    """Return what switches ``what`` off, and ask ``is_on`` from now on whether that is needed."""
    lost = f"under {what} the tracer's own measurements may show"
    asked, found = find(torch, is_on, lost), find(torch, switch, lost)
    if asked is None or found is None:
        return None
    _SEEING.append(asked)
    return found


_no_function: Any = find(torch, "_C.DisableTorchFunction", "the tracer's own measurements may show in function modes")
_no_dispatch = _hidden(
    "_C._len_torch_dispatch_stack", "utils._python_dispatch._disable_current_modes", "a dispatch mode"
)
_no_transform = _hidden(
    "_C._functorch.peek_interpreter_stack",
    "_functorch.pyfunctorch.temporarily_clear_interpreter_stack",
    "torch.func",
)
_set_tracing = _hidden("_C._get_tracing_state", "_C._set_tracing_state", "torch.jit.trace")


@contextmanager
def _untraced() -> Iterator[None]:
    state = torch._C._get_tracing_state()
    _set_tracing(None)
    try:
        yield
    finally:
        _set_tracing(state)


_no_tracing = None if _set_tracing is None else _untraced


function_modes: Callable[[], int] = getattr(torch._C, "_len_torch_function_stack", int)


def foreach_norm(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return the L2 norms of tensors of one device and dtype, in as few kernels as possible."""
    many = getattr(torch, "_foreach_norm", None)
    if many is None:
        return [torch.linalg.vector_norm(t) for t in tensors]
    return list(many(tensors))


def backward_hooks(tensor: torch.Tensor) -> Any:
    """Return the ordered dict of hooks on a tensor, or None."""
    return getattr(tensor, "_backward_hooks", None)


def post_accumulate_hooks(tensor: torch.Tensor) -> Any:
    """Return the dict of post-accumulate hooks on a tensor; empty where there is none."""
    return getattr(tensor, "_post_accumulate_grad_hooks", None) or {}


def engine_owners() -> Iterable[tuple[Any, str]]:
    """Yield (module, name) under which ``torch.autograd`` looks its engine entry up."""
    for owner in (torch.autograd, torch.autograd.graph):
        if hasattr(owner, "_engine_run_backward"):
            yield owner, "_engine_run_backward"


def is_functional(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is wrapped by functorch, fake or functionalised: its values cannot be read."""
    if type(tensor).__name__ in ("FakeTensor", "FunctionalTensor"):
        return True
    return is_wrapped(tensor)


def is_wrapped(tensor: torch.Tensor) -> bool:
    """Tell whether functorch wraps a tensor (``vmap``, ``grad``)."""
    return bool(_wrapped(tensor) or _batched(tensor))


def _no(tensor: torch.Tensor) -> bool:
    return False


_functorch: Any = getattr(torch._C, "_functorch", None)
_wrapped: Callable[[torch.Tensor], bool] = getattr(_functorch, "is_functorch_wrapped_tensor", _no)
_batched: Callable[[torch.Tensor], bool] = getattr(_functorch, "is_legacy_batchedtensor", _no)


_is_tracing: Callable[[], bool] = getattr(torch._C, "_is_tracing", bool)


def is_compiling() -> bool:
    """Tell whether code is being captured by ``torch.compile``, ``torch.export`` or ``torch.jit.trace``."""
    return torch.compiler.is_compiling() or _is_tracing()


def is_recording_graph() -> bool:
    """Tell whether a CUDA graph is being captured on the current stream: what runs now is written down, not done."""
    ready: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return ready and torch.cuda.is_current_stream_capturing()


_capture: Callable[[], Any] | None = find(
    torch, "_guards.TracingContext.try_get", "what torch.compile runs to build a graph may be recorded as a backward"
)


def is_capturing() -> bool:
    """Tell whether a compiler is at work: what it differentiates is its own graph, not the user's."""
    return is_compiling() or (_capture is not None and _capture() is not None)


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


def leave_function_mode(mode: Any) -> bool:
    """Take a mode off the stack, also from below modes that were entered after it and are still active.

    Returns:
        False when it is not there: never entered, or set aside while one of its own handlers runs.
    """
    pop, push = getattr(torch.overrides, "_pop_mode", None), getattr(torch.overrides, "_push_mode", None)
    read = getattr(torch.overrides, "_get_current_function_mode_stack", None)
    if pop is None or push is None or read is None:
        mode.__exit__(None, None, None)
        return True
    stack = read()
    if not any(known is mode for known in stack):
        return False
    above: list[Any] = []
    while True:
        top = pop()
        if top is mode:
            break
        above.append(top)
    for other in reversed(above):
        push(other)
    return True


#: what happens -> (module of PyTorch, its table of global hooks, public function that puts a hook in)
_TABLES = {
    "before a step": ("optim.optimizer", "_global_optimizer_pre_hooks", "register_optimizer_step_pre_hook"),
    "after a step": ("optim.optimizer", "_global_optimizer_post_hooks", "register_optimizer_step_post_hook"),
    "parameter": (
        "nn.modules.module", "_global_parameter_registration_hooks", "register_module_parameter_registration_hook",
    ),
    "module": ("nn.modules.module", "_global_module_registration_hooks", "register_module_module_registration_hook"),
}  # fmt: skip


def _owner(what: str) -> Any:
    # by import: ``torch.optim`` takes the name of its module away
    return importlib.import_module(f"torch.{_TABLES[what][0]}")


_SAFE = {
    what
    for what, (_, table, _) in _TABLES.items()
    if find(_owner(what), table, "while another thread uses PyTorch, no recording may begin or end") is not None
}


def global_hook(what: str, hook: Callable[..., Any]) -> Any:
    """Let PyTorch run a hook at every step of an optimizer or registration in a module; returns its handle."""
    _, table, register = _TABLES[what]
    return hook_tables.put(_owner(what), table, hook) if what in _SAFE else getattr(_owner(what), register)(hook)


def global_hook_question(ours: Set[int]) -> list[tuple[Any, str, Callable[..., Any]]]:
    """Return the patch by which ``torch.compile`` does not warn its user of our global module hooks.

    Args:
        ours: ids of our hooks' handles.
    """
    module = torch.nn.modules.module
    if not hasattr(module, "_has_any_global_hook"):
        return []
    asked = [
        table
        for name, table in vars(module).items()
        if name.startswith(("_global_forward", "_global_backward")) and isinstance(table, dict)
    ]

    def has_any_global_hook() -> bool:
        return any(key not in ours for table in asked for key in table)

    return [(module, "_has_any_global_hook", has_any_global_hook)]


def backward_runs() -> bool:
    """Tell whether this thread is inside a backward now, as in a hook; False where PyTorch does not tell."""
    return _current_graph_task() != -1


_current_graph_task: Callable[[], int] = getattr(torch._C, "_current_graph_task_id", lambda: -1)


def is_gathering(module: torch.nn.Module) -> bool:
    """Tell whether ``fully_shard`` manages a module: it swaps its parameters for gathered ones while it runs."""
    return hasattr(module, "_get_fsdp_state")


def gathered_parameters(module: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return (gathered, sharded) for the parameters that ``fully_shard`` has gathered so far; [] where it hides them.

    Source: https://docs.pytorch.org/docs/stable/distributed.fsdp.fully_shard.html
    """
    try:
        state = module._get_fsdp_state()
        groups = getattr(state, "_fsdp_param_groups", None) or [state._fsdp_param_group]
        found = [(getattr(p, "_unsharded_param", None), p.sharded_param) for g in groups if g for p in g.fsdp_params]
    except AttributeError:
        return []
    return [(gathered, sharded) for gathered, sharded in found if gathered is not None]


def wrapped_module(module: torch.nn.Module) -> torch.nn.Module | None:
    """Return what DataParallel, DistributedDataParallel or ``torch.compile`` wraps; None for any other module."""
    if isinstance(module, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
        inner: torch.nn.Module = module.module
        return inner
    if type(module).__name__ != "OptimizedModule":
        return None  # among others a ScriptModule, whose ``_modules`` is no dict
    return module._modules.get("_orig_mod")


#: The module of PyTorch in which pipeline stages are; loaded only by programs that use them.
PIPELINING = "torch.distributed.pipelining.stage"


def stage_calling(module: torch.nn.Module, frame: FrameType | None) -> Any:
    """Return the pipeline stage that calls a module, looking a few frames up; None when no stage does.

    Source: https://docs.pytorch.org/docs/stable/distributed.pipelining.html
    """
    for _ in range(8):
        if frame is None:
            return None
        if frame.f_globals.get("__name__") == PIPELINING:
            stage = frame.f_locals.get("self")
            if getattr(stage, "submod", None) is module and hasattr(stage, "stage_index"):
                return stage
        frame = frame.f_back
    return None


def stage_inputs(stage: Any) -> Iterator[torch.Tensor]:
    """Yield the buffers in which a pipeline stage receives the activations of the stage before it."""
    for infos in (getattr(stage, "args_recv_info", None) or {}).values():
        for info in infos:
            buffer = getattr(info, "buffer", None)
            if isinstance(buffer, torch.Tensor):
                yield buffer
