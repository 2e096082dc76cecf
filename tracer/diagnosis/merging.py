"""Findings of the same cause at the same places become one, with several parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tracer.diagnosis.findings import SEVERITIES, Finding


def merge_findings(findings: Iterable[Finding], names: Mapping[int, str]) -> tuple[Finding, ...]:
    """Return one finding per cause, worst first.

    The places decide, but for the lines where each parameter was built; numbers in the sentence are those
    of the first parameter, which is then named.
    """
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        shared = tuple((w.file, w.line, w.role) for w in finding.where if w.role != "made")
        key = (
            finding.code,
            finding.severity,
            finding.confidence,
            shared or (finding.where and finding.message),
        )
        groups.setdefault(key, []).append(finding)
    merged = (_merge(group, names) for group in groups.values())
    return tuple(sorted(merged, key=lambda f: (SEVERITIES.index(f.severity), f.code, f.parameters)))


def _merge(group: list[Finding], names: Mapping[int, str]) -> Finding:
    first = group[0]
    if len(group) == 1:
        return first
    leaves = tuple(dict.fromkeys(key for finding in group for key in finding.parameters))
    message = first.message
    if len({finding.message for finding in group}) > 1:
        message += f" (said of {names.get(leaves[0], 'the first')}; alike for {len(leaves) - 1} more)"
    where = {(w.file, w.line): w for finding in group for w in finding.where}
    return replace(first, parameters=leaves, message=message, where=tuple(where.values()))
