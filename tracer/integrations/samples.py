"""One sample of a long run, as plain numbers: what the sinks get."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tracer.diagnosis.findings import Finding, Report
from tracer.integrations.failures import finding_text


@dataclass(frozen=True, slots=True)
class Told:
    """A finding that has begun to hold, or has ended, for one or more parameters."""

    code: str  #: ``TR202``
    name: str  #: ``cut``
    severity: str  #: "error" or "warning"
    parameters: tuple[str, ...]  #: names
    text: str  #: the whole finding: sentence, lines, fix


@dataclass(frozen=True, slots=True)
class Sample:
    """What one recorded step showed. Norms are L2; ratios are update norm / value norm."""

    step: int  #: optimizer steps since ``watch``, counted from 1
    grad_norm: dict[str, float] = field(default_factory=dict)  #: per parameter, of ``.grad`` as the step used it
    update_ratio: dict[str, float] = field(default_factory=dict)  #: per parameter
    verdicts: dict[str, int] = field(default_factory=dict)  #: verdict -> number of parameters
    started: tuple[Told, ...] = ()  #: findings that are sustained since this sample
    ended: tuple[Told, ...] = ()  #: findings that no longer hold

    @property
    def total_norm(self) -> float:
        """L2 norm over all gradients."""
        return math.sqrt(sum(norm * norm for norm in self.grad_norm.values()))

    def metrics(self, gradients: str = "grad_norm") -> dict[str, float]:
        """Return all numbers under the names that dashboards use: ``grad_norm/NAME``, ``update_ratio/NAME``."""
        found = {f"{gradients}/{name}": value for name, value in self.grad_norm.items()}
        found.update((f"update_ratio/{name}", value) for name, value in self.update_ratio.items())
        found[f"{gradients}_total"] = self.total_norm
        return found

    def texts(self) -> dict[str, str]:
        """Return code -> what begins and what ends with this sample, in one text for dashboards with one per name."""
        found: dict[str, list[str]] = {}
        for begun in self.started:
            found.setdefault(begun.code, []).append(begun.text)
        for over in self.ended:
            found.setdefault(over.code, []).append(f"no longer holds for {', '.join(over.parameters)}")
        return {code: "\n\n".join(parts) for code, parts in found.items()}


def sample_of(step: int, report: Report, started: tuple[Finding, ...], ended: tuple[Told, ...]) -> Sample:
    """Return the sample of one recorded step."""
    norms: dict[str, float] = {}
    ratios: dict[str, float] = {}
    verdicts: dict[str, int] = {}
    for row in report.parameters:
        name = report.name_of(row.leaf)
        verdicts[row.verdict] = verdicts.get(row.verdict, 0) + 1
        if row.grad.norm is not None:
            norms[name] = row.grad.norm
        if row.value.update_ratio is not None:
            ratios[name] = row.value.update_ratio
    return Sample(step, norms, ratios, verdicts, tuple(told(f, report) for f in started), ended)


def told(finding: Finding, report: Report) -> Told:
    """Return a finding with its text, readable after the report is gone."""
    return Told(finding.code, finding.name, finding.severity, report.names_of(finding), finding_text(finding, report))
