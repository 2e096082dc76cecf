"""What to do about an operation whose slope is zero, by kind of operation."""

from __future__ import annotations

#: Activations that are flat on one side and can shut for every input.
SHUTS = frozenset(("relu", "relu_", "relu6", "clamp", "clamp_", "clamp_min", "clip", "hardtanh", "threshold"))
_STEPS = frozenset(("sign", "round", "floor", "ceil", "trunc", "heaviside", "fix"))
_SATURATE = frozenset(("sigmoid", "tanh", "softmax", "hardsigmoid", "softplus", "log_softmax"))
#: Normalizations too: what comes in is multiplied with their weight.
PRODUCTS = frozenset(
    (
        "mul", "__mul__", "mul_", "matmul", "mm", "bmm", "mv", "dot", "outer", "inner", "kron", "tensordot", "einsum",
        "addmm", "addbmm", "baddbmm", "linear", "bilinear", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
        "conv_transpose2d", "conv_transpose3d",
        "batch_norm", "layer_norm", "group_norm", "instance_norm",
    )
)  # fmt: skip
_CHOICES = frozenset(("where", "maximum", "minimum", "max", "min", "max_pool2d", "masked_fill", "topk", "__getitem__"))
_COUNTS = frozenset(("cross_entropy", "nll_loss"))


def advice(op: str, at: str) -> str:
    """Return the fix for an operation that turned a gradient to zero; ``at`` is `` at net.py:3`` or ''."""
    if op in SHUTS:
        return (
            f"{op}{at} is off or at its limit for every input: use a leaky one, wider limits or another initialisation"
        )
    if op in _STEPS:
        return f"{op}{at} is flat everywhere: pass the gradient straight through, ``x + ({op}(x) - x).detach()``"
    if op in _SATURATE:
        return f"{op}{at} is saturated, or runs over a single element: scale its input, and check its dim"
    if op in PRODUCTS:
        return f"what {op}{at} multiplies with is zero: check the factor or mask, or initialise one side away from zero"
    if op in _CHOICES:
        return f"{op}{at} always takes the other side: check its condition, mask or index"
    if op in _COUNTS:
        return f"check the targets of {op}{at}: all are ignored, or there is one class only"
    return f"replace or re-initialise {op}{at}: its slope is zero there"
