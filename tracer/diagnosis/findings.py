"""The results of a diagnosis, as plain values: places, findings, one row per parameter, the report."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tracer.errors import UsageError
from tracer.traces import Header

#: Worst first; also the order in which findings are sorted.
SEVERITIES = ("error", "warning", "info", "ok")


@dataclass(frozen=True, slots=True)
class Where:
    """One source line that matters for a finding."""

    file: str  #: as the user gave it; relative to the working directory where possible
    line: int  #: from 1
    function: str  #: that the line stands in
    op: str = ""  #: what happens there: ``detach``
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
    message: str  #: one sentence
    fix: str  #: one sentence
    where: tuple[Where, ...] = ()  #: the lines that matter


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A rule could not be decided, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class OwnerReport:
    """An optimizer that holds the parameter."""

    name: str  #: the user's variable name where it can be found
    cls: str  #: ``Adam``
    group: int  #: index of the param group
    lr: float | None  #: learning rate of the group


@dataclass(frozen=True, slots=True)
class GradReport:
    """The gradient of one parameter."""

    accumulated: int = 0  #: how many backwards accumulated into ``.grad``
    norm: float | None = None  #: L2 of the last gradient measured, float32
    zero_share: float | None = None  #: in [0, 1]; above 4,096 elements None, unless it is 1
    finite: bool | None = None  #: no NaN and no Inf in it
    values: object = None  #: at most 64 elements


@dataclass(frozen=True, slots=True)
class ValueReport:
    """What the steps did to the value of one parameter."""

    changed: bool | None = None  #: None when values were not compared
    steps: int = 0  #: optimizer steps that could have changed it
    update_norm: float | None = None  #: L2 of the last change by a step
    update_ratio: float | None = None  #: ``update_norm`` / L2 of the value before
    changed_by: str | None = None  #: optimizer name, "outside" or None
    sampled: bool = False  #: compared by samples of its elements, not whole
    before: object = None  #: nested lists; at most 64 elements
    after: object = None  #: nested lists; at most 64 elements


@dataclass(frozen=True, slots=True)
class ParameterReport:
    """Everything known about one parameter; the fields of ``report.json``."""

    leaf: int  #: key of the leaf in the trace
    name: str  #: as in ``named_parameters()`` of its root module
    model: str  #: the root module: the user's variable name where it can be found, else the class
    aliases: tuple[str, ...]  #: further names of a tied parameter
    shape: tuple[int, ...]  #: sizes, global under sharding
    dtype: str  #: ``float32``
    device: str  #: ``cuda:0``
    requires_grad: bool  #: as last seen
    verdict: str  #: ``updated``, ``frozen`` or the name of a rule
    severity: str  #: "ok", "info", "warning" or "error"
    confidence: str  #: "certain" or "probable"
    message: str  #: one sentence
    fix: str  #: one sentence; empty where nothing is to be done
    where: tuple[Where, ...]  #: the lines that matter
    optimizers: tuple[OwnerReport, ...]  #: those that hold it
    grad: GradReport  #: what arrived
    value: ValueReport  #: what became of it
    findings: tuple[str, ...]  #: codes of all findings about it


@dataclass(slots=True)
class _Index:
    """Rows by name and names by leaf, made when they are first asked for: a model may have 100,000 rows."""

    _rows: dict[str, list[ParameterReport]] | None = None
    _names: dict[int, str] | None = None

    def rows(self, parameters: Sequence[ParameterReport]) -> dict[str, list[ParameterReport]]:
        if self._rows is None:
            self._rows = {}
            for row in parameters:
                for name in dict.fromkeys((row.name, f"{row.model}.{row.name}", *row.aliases)):
                    self._rows.setdefault(name, []).append(row)
        return self._rows

    def names(self, parameters: Sequence[ParameterReport]) -> dict[int, str]:
        if self._names is None:
            often = Counter(row.name for row in parameters)
            pairs = ((r.leaf, r.name if often[r.name] == 1 else f"{r.model}.{r.name}") for r in parameters)
            self._names = dict(pairs)
        return self._names


@dataclass(frozen=True, slots=True)
class Report:
    """The diagnosis of one trace. ``report["encoder.weight"]`` finds a parameter by name."""

    header: Header  #: of the trace
    parameters: tuple[ParameterReport, ...] = ()  #: one for each; iterating over the report gives them too
    findings: tuple[Finding, ...] = ()  #: sorted, worst first
    notes: tuple[str, ...] = ()  #: what was not recorded, and why
    graph: dict[str, int] = field(default_factory=dict)  #: counts: nodes, edges, leaves, accumulated
    raised: tuple[str, ...] = ()  #: what the program raised, and why; also among ``notes``
    _found: _Index = field(default_factory=lambda: _Index(), init=False, repr=False, compare=False)

    def __getitem__(self, name: str) -> ParameterReport:
        """Return the parameter called ``name`` or ``model.name`` (aliases count).

        Raises:
            UsageError: when no parameter, or more than one, has that name.
        """
        found = self._found.rows(self.parameters).get(name, [])
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
        names = self._found.names(self.parameters)
        return tuple(names.get(leaf, f"leaf {leaf}") for leaf in finding.parameters)

    def names(self) -> dict[int, str]:
        """Return how every leaf is called in texts, by leaf key."""
        return dict(self._found.names(self.parameters))

    def name_of(self, leaf: int) -> str:
        """Return how a leaf is called in texts: its name, with the model where the name is not unique."""
        return self._found.names(self.parameters).get(leaf, f"leaf {leaf}")
