"""Numbers about tensors: computed where the tensors live, brought to the host in one transfer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch

from tracer.recording.torch_compat import foreach_norm, is_functional, is_wrapped, without_torch_function

#: Tensors of at most this many elements also carry their numbers.
KEPT = 64
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
    if tensor.layout != torch.strided or type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        return True
    return tensor.numel() == 0 or tensor.untyped_storage().nbytes() > 0


def is_empty(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor holds no element here: of size zero, or a shard of which this rank has nothing."""
    if tensor.numel() == 0:
        return True
    return type(tensor) not in (torch.Tensor, torch.nn.Parameter) and plain(tensor).numel() == 0


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


def fetch(scalars: Sequence[torch.Tensor]) -> list[float]:
    """Bring 0-dim tensors to the host: one transfer per device."""
    if not scalars:
        return []
    kinds: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for i, scalar in enumerate(scalars):
        kinds.setdefault((scalar.device, scalar.dtype), []).append(i)
    by_device: dict[torch.device, list[tuple[list[int], torch.Tensor]]] = {}
    for (device, _), members in kinds.items():
        stacked = torch.stack([scalars[i] for i in members]).to(torch.float64)
        by_device.setdefault(device, []).append((members, stacked))
    values = [0.0] * len(scalars)
    for groups in by_device.values():
        order = [i for members, _ in groups for i in members]
        joined = torch.cat([stacked for _, stacked in groups]) if len(groups) > 1 else groups[0][1]
        for i, value in zip(order, joined.tolist(), strict=True):
            values[i] = value
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


def summaries(tensors: Sequence[torch.Tensor]) -> list[tuple[float, float | None]]:
    """Return L2 norm and share of exact zeros of each tensor (None above 4,096 elements): one transfer per device.

    The zeros of all small tensors of one device and dtype are counted together, as running counts.
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
    values = fetch([*norms(tensors), *counts])
    shares: list[float | None] = [None] * len(tensors)
    counted = iter(values[len(tensors) :])
    for members in batches.values():
        before = 0.0
        for i, part in members:
            count = next(counted)
            shares[i], before = (count - before) / part.numel(), count
    return list(zip(values, shares, strict=False))


def exact_norms(tensors: Sequence[torch.Tensor]) -> list[tuple[float, float]]:
    """Return L2 norm in float64 and share of zeros of tensors whose float32 norm came out as 0; one transfer."""
    parts = [_real(plain(tensor)) for tensor in tensors]
    scalars = [torch.linalg.vector_norm(part.double()) for part in parts]
    scalars += [torch.count_nonzero(part) for part in parts]
    values = fetch(scalars)
    counts = values[len(parts) :]
    return [(values[i], 1.0 - counts[i] / part.numel()) if part.numel() else (0.0, 1.0) for i, part in enumerate(parts)]


def _real(tensor: torch.Tensor) -> torch.Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
