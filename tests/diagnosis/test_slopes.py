"""The advice about flat operations names the operation and its line."""

import pytest

from tracer.diagnosis.slopes import advice


@pytest.mark.parametrize(
    ("op", "part"),
    [
        ("relu", "is off or at its limit for every input"),
        ("sign", "pass the gradient straight through"),
        ("softmax", "runs over a single element"),
        ("mul", "what mul at net.py:3 multiplies with is zero"),
        ("where", "always takes the other side"),
        ("cross_entropy", "check the targets of cross_entropy at net.py:3"),
        ("cumprod", "replace or re-initialise cumprod at net.py:3"),
    ],
)
def test_advice_fits_the_operation(op: str, part: str) -> None:
    assert part in advice(op, " at net.py:3")
