"""One file per rule. A rule is found by being here; nothing else has to be told of it.

Each file has a docstring (what, why it matters, ``Fix:``, ``Source:``), ``CODE``, ``NAME``, ``REQUIRES``
(the events it needs), a pure ``check(leaf, facts)``, and ``bad(torch)`` / ``good(torch)``: small programs
that are its example and its test. ``WITH`` names codes that state the same cause and come along.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.events import Event

Check = Callable[[LeafFacts, Facts], Finding | NotApplicable | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as its file states it."""

    code: str
    name: str
    requires: tuple[type[Event], ...]
    text: str  #: the docstring
    check: Check
    bad: Callable[[Any], None]
    good: Callable[[Any], None]
    companions: tuple[str, ...]  #: codes that fire together with this one in its ``bad`` program
    module: ModuleType


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule of this folder, by code."""
    names = (info.name for info in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(sorted((_rule(module) for module in modules), key=lambda rule: rule.code))


def _rule(module: ModuleType) -> Rule:
    return Rule(
        module.CODE, module.NAME, module.REQUIRES, module.__doc__ or "", module.check, module.bad,
        module.good,        getattr(module, "WITH", ()), module,
    )  # fmt: skip
