"""Traces how gradients accumulate in PyTorch: which parameters train, which do not, and why.

Public names are loaded on first use: ``import tracer`` loads no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracer.api import Recording as Recording
    from tracer.api import build_graph as build_graph
    from tracer.api import diagnose as diagnose
    from tracer.api import draw as draw
    from tracer.api import load as load
    from tracer.api import make_dot as make_dot
    from tracer.api import merge as merge
    from tracer.api import record as record
    from tracer.api import save as save
    from tracer.errors import EngineError as EngineError
    from tracer.errors import TraceFileError as TraceFileError
    from tracer.errors import TracerError as TracerError
    from tracer.errors import UsageError as UsageError
    from tracer.integrations.assertions import assert_all_params_receive_grad as assert_all_params_receive_grad
    from tracer.integrations.assertions import assert_frozen as assert_frozen
    from tracer.integrations.assertions import assert_learns as assert_learns
    from tracer.integrations.assertions import assert_no_findings as assert_no_findings
    from tracer.integrations.assertions import assert_optimizer_covers as assert_optimizer_covers
    from tracer.integrations.ipython import load_ipython_extension as load_ipython_extension
    from tracer.integrations.watching import unwatch as unwatch
    from tracer.integrations.watching import watch as watch
    from tracer.traces import Header as Header
    from tracer.traces import Trace as Trace

__version__ = "0.1.0"

#: public name -> module that defines it
_HOME = {
    **dict.fromkeys(
        ("Recording", "build_graph", "diagnose", "draw", "load", "make_dot", "merge", "record", "save"), "tracer.api"
    ),
    **dict.fromkeys(
        (
            "assert_all_params_receive_grad",
            "assert_frozen",
            "assert_learns",
            "assert_no_findings",
            "assert_optimizer_covers",
        ),
        "tracer.integrations.assertions",
    ),
    **dict.fromkeys(("unwatch", "watch"), "tracer.integrations.watching"),
    "load_ipython_extension": "tracer.integrations.ipython",
    **dict.fromkeys(("EngineError", "TraceFileError", "TracerError", "UsageError"), "tracer.errors"),
    **dict.fromkeys(("Header", "Trace"), "tracer.traces"),
}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> object:
    """Load a public name from its module, once."""
    if name not in _HOME:
        raise AttributeError(f"module 'tracer' has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
