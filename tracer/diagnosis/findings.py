"""The results of a diagnosis, as plain values: places, findings, one row per parameter, the report."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tracer.errors import UsageError
from tracer.traces import Header

#: Worst first; also the order in which findings are sorted.
SEVERITIES = ("error", "warning", "info", "ok")


@dataclass(frozen=True, slots=True)
class Where:
    """One source line that matters for a finding."""

    file: str
    line: int
    function: str
    op: str = ""
    #: what the line is to the finding: "cut", "block" (the no_grad around it), "reentry", "made" (built or
    #: registered here), "optimizer" (built here), "replaced", "culprit", "cleared", "overwritten", "hook",
    #: "backward", "step", "dropped", "return", "changed", "term"
    role: str = ""
    code: tuple[str, ...] = ()  #: source lines around it, when kept
    first: int = 0  #: line number of ``code[0]``


@dataclass(frozen=True, slots=True)
class Finding:
    """One proven fact about some parameters, with its line and what to do."""

    code: str  #: ``TR202``
    name: str  #: ``cut``
    severity: str  #: "error", "warning", "info"
    confidence: str  #: "certain" or "probable"
    parameters: tuple[int, ...]  #: leaf keys; made into names by the report
    message: str
    fix: str
    where: tuple[Where, ...] = ()


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A rule could not be decided, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class OwnerReport:
    """An optimizer that holds the parameter."""

    name: str
    cls: str
    group: int
    lr: float | None


@dataclass(frozen=True, slots=True)
class GradReport:
    accumulated: int = 0  #: how many backwards accumulated into ``.grad``
    norm: float | None = None  #: L2 of the last gradient measured, float32
    zero_share: float | None = None  #: in [0, 1]
    finite: bool | None = None
    values: object = None  #: at most 64 elements


@dataclass(frozen=True, slots=True)
class ValueReport:
    changed: bool | None = None  #: None when values were not compared
    steps: int = 0  #: optimizer steps that could have changed it
    update_norm: float | None = None  #: L2 of the last change by a step
    update_ratio: float | None = None  #: ``update_norm`` / L2 of the value before
    changed_by: str | None = None  #: optimizer name, "outside" or None
    sampled: bool = False
    before: object = None
    after: object = None


@dataclass(frozen=True, slots=True)
class ParameterReport:
    """Everything known about one parameter; the fields of ``report.json``."""

    leaf: int
    name: str
    model: str
    aliases: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    device: str
    requires_grad: bool
    verdict: str
    severity: str
    confidence: str
    message: str
    fix: str
    where: tuple[Where, ...]
    optimizers: tuple[OwnerReport, ...]
    grad: GradReport
    value: ValueReport
    findings: tuple[str, ...]  #: codes


@dataclass(frozen=True, slots=True)
class Report:
    """The diagnosis of one trace. ``report["encoder.weight"]`` finds a parameter by name."""

    header: Header
    parameters: tuple[ParameterReport, ...] = ()
    findings: tuple[Finding, ...] = ()  #: sorted, worst first
    notes: tuple[str, ...] = ()
    graph: dict[str, int] = field(default_factory=dict)  #: counts: nodes, edges, leaves, accumulated

    def __getitem__(self, name: str) -> ParameterReport:
        """Return the parameter called ``name`` or ``model.name`` (aliases count).

        Raises:
            UsageError: when no parameter, or more than one, has that name.
        """
        found = [p for p in self.parameters if name in (p.name, f"{p.model}.{p.name}", *p.aliases)]
        if len(found) == 1:
            return found[0]
        if found:
            models = ", ".join(f"{p.model}.{p.name}" for p in found)
            raise UsageError(f"{name!r} names {len(found)} parameters: {models}.", "Give the model too.")
        near = [p.name for p in self.parameters if fnmatch.fnmatch(p.name, f"*{name.rpartition('.')[2]}*")]
        hint = f"Near it: {', '.join(near[:5])}." if near else f"There are {len(self.parameters)} parameters."
        raise UsageError(f"no parameter is called {name!r}.", hint, slug="unknown-parameter")

    def __iter__(self) -> Iterator[ParameterReport]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def worst(self) -> str:
        """The worst severity of any finding: "error", "warning", "info" or "ok"."""
        return min((f.severity for f in self.findings), key=SEVERITIES.index, default="ok")

    def names_of(self, finding: Finding) -> tuple[str, ...]:
        """Return the names of a finding's parameters, ``model.name`` where a name alone is not unique."""
        names = self.names()
        return tuple(names.get(leaf, f"leaf {leaf}") for leaf in finding.parameters)

    def names(self) -> dict[int, str]:
        """Return how every leaf is called in texts, by leaf key; for many at once, where ``name_of`` is for one."""
        often = Counter(row.name for row in self.parameters)
        return {row.leaf: row.name if often[row.name] == 1 else f"{row.model}.{row.name}" for row in self.parameters}

    def name_of(self, leaf: int) -> str:
        """Return how a leaf is called in texts: its name, with the model where the name is not unique."""
        row = next((p for p in self.parameters if p.leaf == leaf), None)
        if row is None:
            return f"leaf {leaf}"
        unique = sum(p.name == row.name for p in self.parameters) == 1
        return row.name if unique else f"{row.model}.{row.name}"
