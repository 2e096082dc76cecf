"""``%load_ext tracer`` and ``%%trace``: record one notebook cell and show what was found below it.

::

    %load_ext tracer

    %%trace
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()

``%%trace model optimizer`` follows these two only; ``%%trace -o NAME`` keeps the recording under another name
than ``recording``.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from tracer.api import record
from tracer.errors import UsageError

#: The variable that holds the recording afterwards, unless ``-o`` names another.
VARIABLE = "recording"


def load_ipython_extension(shell: Any) -> None:
    """Register ``%%trace``. IPython calls this for ``%load_ext tracer``, with its running shell.

    Source: https://ipython.readthedocs.io/en/stable/config/extensions/index.html
    """

    def trace(line: str, cell: str) -> None:
        _run(shell, line, cell)

    trace.__doc__ = "Record what happens to the gradients in this cell: %%trace [-o NAME] [MODEL [OPTIMIZER]]"
    shell.register_magic_function(trace, "cell", "trace")


def _run(shell: Any, line: str, cell: str) -> None:
    variable, names = _read(line)
    given = [_value(shell.user_ns, name) for name in names]
    with record(*given) as recording:
        shell.run_cell(cell)  # shows an error of the cell itself, and does not raise it
    shell.user_ns[variable] = recording
    from IPython.display import display

    display(recording)


def _read(line: str) -> tuple[str, list[str]]:
    """Return the variable to set, and the names of model and optimizer.

    Raises:
        UsageError: for anything else on the line.
    """
    words = shlex.split(line)
    variable = VARIABLE
    if words[:1] == ["-o"] and len(words) > 1:
        variable, words = words[1], words[2:]
    if len(words) > 2 or any(word.startswith("-") for word in words) or not variable.isidentifier():
        raise UsageError(f"%%trace {line.strip()} is not understood.", "Write %%trace [-o NAME] [MODEL [OPTIMIZER]].")
    return variable, words


def _value(names: Mapping[str, Any], word: str) -> Any:
    root, _, rest = word.partition(".")
    if root not in names:
        raise UsageError(f"there is no variable {root!r} in this notebook.", "Run the cell that makes it first.")
    value = names[root]
    for attribute in filter(None, rest.split(".")):
        value = getattr(value, attribute)
    return value
