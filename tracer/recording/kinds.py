"""Which kind of cut a function call is: a table over function names, nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Function name -> kind of cut, whatever the grad mode is.
KINDS: dict[str, str] = {
    **dict.fromkeys(("detach", "detach_"), "detach"),
    **dict.fromkeys(("item", "tolist", "__float__", "__int__", "__index__", "__complex__", "__bool__"), "item"),
    **dict.fromkeys(("numpy", "__array__", "__dlpack__"), "numpy"),
    **dict.fromkeys(("argmax", "argmin", "argsort", "argwhere", "topk", "max", "min", "sort", "kthvalue",
                     "mode", "median", "cummax", "cummin"), "argmax"),
    **dict.fromkeys(("gt", "lt", "ge", "le", "eq", "ne", "greater", "less", "greater_equal", "less_equal",
                     "not_equal", "__gt__", "__lt__", "__ge__", "__le__", "__eq__", "__ne__", "isclose",
                     "allclose", "equal", "isnan", "isinf", "isfinite", "logical_and", "logical_or",
                     "logical_not", "logical_xor", "any", "all", "signbit"), "comparison"),
    **dict.fromkeys(("long", "int", "bool", "byte", "short", "char"), "cast"),
    **dict.fromkeys(("multinomial", "bernoulli", "bucketize", "searchsorted", "nonzero", "one_hot", "unique",
                     "unique_consecutive", "histc", "histogram", "bincount", "count_nonzero", "poisson",
                     "floor_divide", "__floordiv__", "bitwise_and", "bitwise_or", "bitwise_not"), "index"),
    **dict.fromkeys(("tensor", "as_tensor", "scalar_tensor", "new_tensor", "full", "full_like", "new_full",
                     "from_numpy", "frombuffer", "asarray"), "rewrap"),
}  # fmt: skip

#: Calls that take only shape and dtype from their first argument, not its values.
SHAPED_LIKE = frozenset(
    (
        "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "randint_like",
        "new_zeros", "new_ones", "new_empty", "new_full", "new_tensor", "new_empty_strided", "new",
    )
)  # fmt: skip

#: Calls that return a view of their first argument (or sometimes a copy; storage decides).
VIEWS = frozenset(
    (
        "__getitem__", "view", "reshape", "t", "transpose", "permute", "squeeze", "unsqueeze", "narrow",
        "flatten", "expand", "chunk", "split", "unbind", "select", "view_as", "movedim", "diagonal", "T",
        "mT", "data", "detach", "ravel", "unflatten", "as_strided",
    )
)  # fmt: skip

#: In-place calls that leave nothing of the old value.
OVERWRITES = frozenset(
    (
        "copy_", "__setitem__", "data", "set_", "fill_", "zero_", "normal_", "uniform_", "random_",
        "exponential_", "log_normal_", "cauchy_", "geometric_", "bernoulli_", "eye_", "_foreach_copy_",
        "_foreach_zero_", "trunc_normal_", "constant_", "ones_", "zeros_", "dirac_", "xavier_uniform_",
        "xavier_normal_", "kaiming_uniform_", "kaiming_normal_", "orthogonal_", "sparse_", "_no_grad_uniform_",
    )
)  # fmt: skip

#: Calls that add or subtract.
SUMS = frozenset(
    (
        "add", "sub", "rsub", "__add__", "__radd__", "__sub__", "__rsub__", "add_", "sub_", "addcdiv", "addcmul",
        "lerp",
    )
)  # fmt: skip

#: Calls that keep numbers within limits and change no others; without the ``_`` of those in place.
BOUNDS = frozenset(("clamp", "clip", "clamp_min", "clamp_max", "minimum", "maximum", "relu", "abs", "renorm"))


def name_of(func: Callable[..., Any]) -> str:
    """Return the user's word for a torch function: ``detach``, ``data``, ``linear``."""
    name = getattr(func, "__name__", "") or "call"
    if name in ("__get__", "__set__"):
        return str(getattr(getattr(func, "__self__", None), "__name__", name))
    return str(name)


def is_setter(func: Callable[..., Any]) -> bool:
    return getattr(func, "__name__", "") == "__set__"


def mutates(name: str, func: Callable[..., Any], kwargs: dict[str, Any]) -> bool:
    """Tell whether a call writes into its first argument (or into ``out=``)."""
    if name == "__setitem__" or kwargs.get("out") is not None:
        return True
    if is_setter(func):
        return name == "data"
    return name.endswith("_") and not name.endswith("__") and name not in ("requires_grad_", "retain_grad_")
