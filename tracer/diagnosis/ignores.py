"""What a project has decided to live with: findings on named parameters, each with a reason."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tracer.diagnosis.findings import SEVERITIES, Finding, ParameterReport, Report
from tracer.diagnosis.verdicts import CODES
from tracer.errors import UsageError


@dataclass(frozen=True, slots=True)
class Ignore:
    """Findings of one rule on some parameters are only mentioned.

    Raises:
        UsageError: for an unknown rule, or without a reason.
    """

    reason: str
    rule: str = "*"  #: code (``TR201``) or name (``unused``); "*" for any
    parameter: str = "*"  #: glob over ``encoder.weight`` or ``model.encoder.weight``

    def __post_init__(self) -> None:
        known = {text for code, row in CODES.items() for text in (code, row.name)}
        if self.rule != "*" and self.rule not in known:
            raise UsageError(f"an ignore names the rule {self.rule!r}.", "`tracer rules` lists those that there are.")
        if not self.reason.strip():
            raise UsageError(f"the ignore of {self} has no reason.", "Say why: reason = '...'.")

    def __str__(self) -> str:
        return f"{self.rule} for {self.parameter}"

    def covers(self, code: str, name: str, row: ParameterReport) -> bool:
        """Tell whether it is meant for a finding on a parameter."""
        names = (row.name, f"{row.model}.{row.name}", *row.aliases)
        meant = self.rule in ("*", code, name)
        return meant and any(fnmatch.fnmatchcase(text, self.parameter) for text in names)


def apply_ignores(report: Report, ignores: Sequence[Ignore]) -> Report:
    """Return the report with ignored findings at severity info, and a note on each ignore: used, or for nothing."""
    if not ignores:
        return report
    rows = {row.leaf: row for row in report.parameters}
    used = dict.fromkeys(ignores, 0)
    findings: list[Finding] = []
    quiet: dict[int, Ignore] = {}  # leaf -> what silenced its verdict
    for finding in report.findings:
        findings += _split(finding, rows, ignores, used, quiet)
    done = tuple(_silenced(row, quiet.get(row.leaf)) for row in report.parameters)
    notes = tuple(_note(ignore, count) for ignore, count in used.items())
    ordered = sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), f.code, f.parameters))
    return replace(report, parameters=done, findings=tuple(ordered), notes=(*report.notes, *notes))


def _split(
    finding: Finding,
    rows: dict[int, ParameterReport],
    ignores: Sequence[Ignore],
    used: dict[Ignore, int],
    quiet: dict[int, Ignore],
) -> list[Finding]:
    if finding.severity == "info":
        return [finding]
    by: dict[Ignore | None, list[int]] = {}
    for leaf in finding.parameters:
        row = rows.get(leaf)
        meant = (i for i in ignores if row is not None and i.covers(finding.code, finding.name, row))
        ignore = next(meant, None)
        by.setdefault(ignore, []).append(leaf)
        if ignore is not None and row is not None:
            used[ignore] += 1
            if row.verdict == finding.name:
                quiet[leaf] = ignore
    return [
        replace(finding, parameters=tuple(leaves))
        if ignore is None
        else replace(
            finding,
            parameters=tuple(leaves),
            severity="info",
            message=f"{finding.message} (ignored: {ignore.reason})",
        )
        for ignore, leaves in by.items()
    ]


def _silenced(row: ParameterReport, ignore: Ignore | None) -> ParameterReport:
    return row if ignore is None else replace(row, severity="info", message=f"{row.message} (ignored: {ignore.reason})")


def _note(ignore: Ignore, count: int) -> str:
    if count:
        return f"ignored {ignore}, {count} finding{'' if count == 1 else 's'}: {ignore.reason}"
    return f"the ignore of {ignore} matched nothing in this run: remove it if it is no longer needed"
