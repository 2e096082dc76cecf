"""What an autograd node saved for backward, and whether its own output was NaN or Inf, as far as that tells.

Read only when something is known to be wrong, and only before backward frees it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from tracer.recording.measure import readable

Tensor = torch.Tensor
#: Larger tensors are not read.
LARGEST = 50_000_000


def saved(node: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield (name, tensor) for every floating-point tensor that a node saved, its own results last."""
    names = [name for name in dir(node) if name.startswith("_saved_") and "_sym_" not in name]
    for name in sorted(names, key=is_result):
        value = take(node, name)
        if isinstance(value, Tensor):
            yield name, value


def take(node: Any, name: str) -> Any:
    """Return what a node saved under a name; None where there is nothing, or it was freed or overwritten."""
    try:
        value = getattr(node, name, None)
    except RuntimeError:
        return None
    if isinstance(value, Tensor) and not (
        readable(value) and value.is_floating_point() and 0 < value.numel() <= LARGEST
    ):
        return None
    return value


def is_result(name: str) -> bool:
    """Tell whether a saved tensor is an output of the node rather than an input."""
    return name.startswith(("_saved_result", "_saved_output", "_saved_log"))


def has_nan(tensor: Tensor) -> bool:
    return bool(torch.isnan(tensor.detach()).any())


def overflowed(tensor: Tensor) -> bool:
    """Tell whether a tensor holds +Inf; -Inf is how masks are written."""
    return bool(torch.isposinf(tensor.detach()).any())


def not_finite(tensor: Tensor) -> bool:
    return not bool(torch.isfinite(tensor.detach()).all())


def gave_bad(node: Any) -> bool | None:
    """Tell whether a node's output held NaN or Inf; None where what it saved does not tell."""
    name = node.name().rstrip("0123456789").removesuffix("Backward")
    results = [value for key, value in saved(node) if is_result(key)]
    if results:
        return any(has_nan(value) or overflowed(value) for value in results)
    again = _AGAIN.get(name)
    if again is None:
        return None
    try:
        with torch.no_grad():
            return again(node)
    except (RuntimeError, TypeError):
        return None


def _unary(name: str) -> Callable[[Any], bool | None]:
    """Compute the same function of the saved input again."""
    function = getattr(torch, name)

    def again(node: Any) -> bool | None:
        value = take(node, "_saved_self")
        return None if value is None else not_finite(function(value.detach()))

    return again


def _div(node: Any) -> bool | None:
    below, above = take(node, "_saved_other"), take(node, "_saved_self")
    if below is None:
        return None
    if above is None:  # only the divisor was needed for backward
        return True if bool((below.detach() == 0).any()) else None
    return not_finite(above.detach() / below.detach())


def _pow(node: Any) -> bool | None:
    base, power = take(node, "_saved_self"), take(node, "_saved_exponent")
    if base is None or power is None:
        return None
    return not_finite(torch.pow(base.detach(), power.detach() if isinstance(power, Tensor) else power))


def _product(first: str, second: str, function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Any], bool | None]:
    def again(node: Any) -> bool | None:
        a, b = take(node, first), take(node, second)
        return None if a is None or b is None else not_finite(function(a.detach(), b.detach()))

    return again


def _mean(node: Any) -> bool | None:
    count = getattr(node, "_saved_self_sym_numel", None)
    return True if count == 0 else None


def _spread(node: Any) -> bool | None:
    """A variance over as many values as the correction takes off is 0/0."""
    value, dims = take(node, "_saved_self"), getattr(node, "_saved_dim", None)
    if value is None:
        return None
    sizes = value.shape if not dims else [value.shape[d if d < value.dim() else d - 2**64] for d in dims]
    correction: float | None = getattr(node, "_saved_correction", None)
    return bool(math.prod(sizes) <= (1 if correction is None else correction))


def _nll(node: Any) -> bool | None:
    weight = take(node, "_saved_total_weight")
    return True if weight is not None and getattr(node, "_saved_reduction", 1) == 1 and float(weight) == 0 else None


#: Node name, without ``Backward`` and number -> whether its output was bad, worked out again from its inputs.
_AGAIN: dict[str, Callable[[Any], bool | None]] = {
    **{
        name.capitalize(): _unary(name)
        for name in ("log", "log2", "log10", "log1p", "acos", "asin", "atanh", "acosh", "digamma", "lgamma", "logit")
    },
    "Div": _div,
    "Pow": _pow,
    "Mul": _product("_saved_self", "_saved_other", torch.mul),
    "Addmm": _product("_saved_mat1", "_saved_mat2", torch.mm),
    "Mm": _product("_saved_self", "_saved_mat2", torch.mm),
    "Bmm": _product("_saved_self", "_saved_mat2", torch.bmm),
    "Mean": _mean,
    "Var": _spread,
    "VarMean": _spread,
    "NllLoss": _nll,
}  # fmt: skip
