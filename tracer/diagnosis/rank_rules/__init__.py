"""Rules about several ranks of one job: one file each, in the shape of the other rules.

``check(parameter, run)`` reads what all ranks say of one parameter. ``bad(torch)`` and ``good(torch)`` run under
``torchrun`` with two processes.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from tracer.diagnosis.findings import Finding
from tracer.diagnosis.ranked import RankedParameter, RankedRun

Check = Callable[[RankedParameter, RankedRun], Finding | None]


@dataclass(frozen=True, slots=True)
class RankRule:
    """A rule as its file states it."""

    code: str
    name: str
    text: str  #: the docstring
    check: Check
    bad: Callable[[Any], None]
    good: Callable[[Any], None]
    module: ModuleType


@cache
def all_rank_rules() -> tuple[RankRule, ...]:
    """Return every rule of this folder, by code."""
    names = (info.name for info in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    rules = (RankRule(m.CODE, m.NAME, m.__doc__ or "", m.check, m.bad, m.good, m) for m in modules)
    return tuple(sorted(rules, key=lambda rule: rule.code))
