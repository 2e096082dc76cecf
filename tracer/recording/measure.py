"""Numbers about tensors: computed where the tensors live, brought to the host in one transfer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch

from tracer.recording.mailbox import Later
from tracer.recording.torch_compat import foreach_norm, is_functional, is_wrapped, without_torch_function

#: Tensors of at most this many elements also carry their numbers.
KEPT = 64
#: Classes of tensors that run no code of their own.
ORDINARY = (torch.Tensor, torch.nn.Parameter)
#: Up to this many elements the share of zeros is counted.
COUNTED = 4096


def readable(tensor: Any) -> bool:
    """Tell whether the values of a tensor can be read at all."""
    kind = type(tensor)
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        # ordinary ones, and many of them: no more questions than these can differ in
        return not (tensor.device.type in _UNREADABLE or tensor.is_nested or is_wrapped(tensor))
    return (
        isinstance(tensor, torch.Tensor)
        and tensor.device.type not in _UNREADABLE
        and not is_functional(tensor)
        and not getattr(tensor, "is_nested", False)
        and not torch.nn.parameter.is_lazy(tensor)
        and not is_foreign(kind)
    )


def is_foreign(kind: type) -> bool:
    """Tell whether a class of tensors runs code of its own at each operation; DTensor gives a local tensor."""
    own = getattr(kind, "__torch_dispatch__", None)
    return own is not None and own is not torch.Tensor.__torch_dispatch__ and not hasattr(kind, "to_local")


def allocated(tensor: torch.Tensor) -> bool:
    """Tell whether memory stands behind a tensor: FSDP frees that of gathered parameters, and reading it crashes."""
    if tensor.layout != torch.strided or type(tensor) not in ORDINARY:
        return True
    return tensor.numel() == 0 or tensor.untyped_storage().nbytes() > 0


def is_empty(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor holds no element here: of size zero, or a shard of which this rank has nothing."""
    if tensor.numel() == 0:
        return True
    return type(tensor) not in ORDINARY and plain(tensor).numel() == 0


_UNREADABLE = frozenset(("meta", "xla", "lazy"))


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Return the dense, detached, local tensor that holds the numbers (sparse values, DTensor shard)."""
    local: Callable[[], torch.Tensor] | None = getattr(tensor, "to_local", None)
    if local is not None:
        tensor = local()
    if tensor.layout == torch.sparse_coo:
        tensor = tensor.detach().coalesce().values()
    elif tensor.layout in (torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc):
        tensor = tensor.values()  # not detached before: PyTorch warns at each compressed tensor that is made
    elif tensor.layout != torch.strided:
        tensor = tensor.detach().to_dense()
    return tensor.detach().resolve_conj().resolve_neg()


def norm(tensor: torch.Tensor) -> torch.Tensor:
    """Return the L2 norm as a 0-dim float32 tensor (float64 stays); NaN and Inf stay visible in it."""
    if type(tensor) is torch.Tensor and tensor.dtype is torch.float32 and tensor.layout is torch.strided:
        tensor = tensor.detach()
    else:
        tensor = plain(tensor)
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    if not tensor.is_floating_point() or tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    found: torch.Tensor = torch.linalg.vector_norm(tensor)
    return found


def norms(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return the L2 norm of each tensor, by one call per device and dtype where possible."""
    results: list[torch.Tensor | None] = [None] * len(tensors)
    batches: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for i, tensor in enumerate(tensors):
        # The exact class: a subclass (DTensor) takes the careful way.
        if (
            type(tensor) is torch.Tensor
            and tensor.layout == torch.strided
            and tensor.dtype
            in (
                torch.float32,
                torch.float64,
            )
        ):
            batches.setdefault((tensor.device, tensor.dtype), []).append(i)
        else:
            results[i] = norm(tensor)
    for members in batches.values():
        for i, value in zip(members, foreach_norm([tensors[i].detach() for i in members]), strict=True):
            results[i] = value
    return [r for r in results if r is not None]


def fetch(scalars: Sequence[torch.Tensor]) -> Later[list[float]]:
    """Bring 0-dim tensors to the host, all together."""
    if not scalars:
        return []
    kinds: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for i, scalar in enumerate(scalars):
        kinds.setdefault((scalar.device, scalar.dtype), []).append(i)
    values = [0.0] * len(scalars)
    stacked = [torch.stack([scalars[i] for i in members]) for members in kinds.values()]
    del scalars, scalar  # they may be the user's
    hosts = yield stacked
    for members, host in zip(kinds.values(), hosts, strict=True):
        for i, value in zip(members, host.tolist(), strict=True):
            values[i] = float(value)
    return values


def numbers(tensor: torch.Tensor) -> object:
    """Return the values of a small tensor as nested lists, in the shortest form that its dtype needs.

    ``None`` for tensors of more than 64 elements and for those that cannot be read.
    """
    if tensor.numel() > KEPT or not readable(tensor) or not allocated(tensor):
        return None
    with without_torch_function(), torch.no_grad():
        if hasattr(tensor, "to_local"):
            tensor = tensor.to_local()
        tensor = (tensor if tensor.layout == torch.strided else tensor.to_dense()).detach()
        tensor = tensor.resolve_conj().resolve_neg()
        if tensor.is_complex():
            return _nested(torch.view_as_real(tensor).cpu().double().tolist(), float)
        return shown_numbers(tensor.cpu(), tuple(tensor.shape))


def shown_numbers(host: torch.Tensor, shape: tuple[int, ...]) -> object:
    """Return the values of a small real tensor on the host as lists nested like ``shape``, in their shortest form.

    With twice as many values as the shape has places they are complex: pairs of real and imaginary part.
    """
    with without_torch_function(), torch.no_grad():
        nested = host.reshape(shape if host.numel() == math.prod(shape) else (*shape, 2))
        if not nested.is_floating_point():
            return nested.tolist()
        return _nested(nested.double().tolist(), _shortener(host.dtype))


def _shortener(dtype: torch.dtype) -> Callable[[float], float]:
    if dtype == torch.float32:
        return lambda value: float(str(np.float32(value)))
    if dtype == torch.float16:
        return lambda value: float(str(np.float16(value)))
    return float


def _nested(values: Any, convert: Callable[[float], float]) -> object:
    # Depth is the number of dimensions of one tensor: at most 64 and in practice under 6.
    if isinstance(values, list):
        return [_nested(value, convert) for value in values]
    return convert(values)


def summaries(tensors: Sequence[torch.Tensor]) -> Later[list[tuple[float, float | None]]]:
    """Return L2 norm and share of exact zeros of each tensor (None above 4,096 elements)."""
    counts, sizes = _running_zeros(tensors)
    scalars, count_of = [*norms(tensors), *counts], len(tensors)
    del tensors  # nothing of the user's is held while the numbers are on their way
    values = yield from fetch(scalars)
    shares: list[float | None] = [None] * count_of
    counted = iter(values[count_of:])
    for batch in sizes:
        before = 0.0
        for i, size in batch:
            count = next(counted)
            shares[i], before = (count - before) / size, count
    return list(zip(values, shares, strict=False))


def _running_zeros(tensors: Sequence[torch.Tensor]) -> tuple[list[torch.Tensor], list[list[tuple[int, int]]]]:
    """Count the zeros of all small tensors of one device and dtype together.

    Returns:
        How many zeros there are up to the end of each, and for each batch (index, elements) of its tensors.
    """
    batches: dict[tuple[torch.device, torch.dtype], list[tuple[int, torch.Tensor]]] = {}
    for i, tensor in enumerate(tensors):
        if tensor.numel() <= COUNTED or tensor.layout != torch.strided:
            part = plain(tensor).reshape(-1)
            if 0 < part.numel() <= COUNTED:
                batches.setdefault((part.device, part.dtype), []).append((i, part))
    counts: list[torch.Tensor] = []
    for members in batches.values():
        running = torch.cat([part for _, part in members]).eq(0).cumsum(0)
        ends = accumulate(part.numel() for _, part in members)
        counts += [running[end - 1] for end in ends]
    return counts, [[(i, part.numel()) for i, part in members] for members in batches.values()]


def exact_norms(tensors: Sequence[torch.Tensor]) -> Later[list[tuple[float, float]]]:
    """Return L2 norm in float64 and share of zeros of tensors whose float32 norm came out as 0."""
    parts = [_real(plain(tensor)) for tensor in tensors]
    scalars = [torch.linalg.vector_norm(part.double()) for part in parts]
    scalars += [torch.count_nonzero(part) for part in parts]
    sizes = [part.numel() for part in parts]
    del tensors, parts
    values = yield from fetch(scalars)
    counts = values[len(sizes) :]
    return [(values[i], 1.0 - counts[i] / size) if size else (0.0, 1.0) for i, size in enumerate(sizes)]


def _real(tensor: torch.Tensor) -> torch.Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
