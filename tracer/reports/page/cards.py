"""Findings as cards: whom they concern, the lines, the fix; and the counts above them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer.diagnosis.findings import Finding, Report
from tracer.reports.page.places import split
from tracer.reports.words import LOOKS, counts, shortened


def finding_cards(report: Report, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return one card per finding, worst first, each with an id that can be linked to: ``tr202``, ``tr202-2``."""
    seen: dict[str, int] = {}
    cards = []
    for finding in report.findings:
        code = finding.code.lower()
        seen[code] = seen.get(code, 0) + 1
        cards.append(_card(finding, code if seen[code] == 1 else f"{code}-{seen[code]}", names))
    return cards


def _card(finding: Finding, anchor: str, names: Mapping[int, str]) -> dict[str, Any]:
    own = [names.get(leaf, f"leaf {leaf}") for leaf in finding.parameters]
    front, more = split(finding.where)
    return {
        "id": anchor,
        "finding": finding,
        "symbol": LOOKS[finding.severity][0],
        "names": shortened(own, names.values()),
        "all_names": own[:500],
        "count": len(own),
        "leaves": " ".join(map(str, finding.parameters[:500])),
        "front": front,
        "more": more,
    }


def verdict_counts(report: Report) -> list[dict[str, Any]]:
    """Return how many parameters have each verdict, worst severity first."""
    severity = {row.verdict: row.severity for row in report.parameters}
    found = [
        {"verdict": name, "count": count, "severity": severity[name], "symbol": LOOKS[severity[name]][0]}
        for name, count in counts(report).most_common()
    ]
    return sorted(found, key=lambda item: list(LOOKS).index(str(item["severity"])))


def worst_of(report: Report) -> str:
    """Return the severity that colours the headline."""
    rows = {row.severity for row in report.parameters} | {f.severity for f in report.findings}
    return next((severity for severity in ("error", "warning") if severity in rows), "ok")


def optimizer_groups(report: Report) -> list[dict[str, Any]]:
    """Return optimizers and groups with the number of listed parameters they hold, in order of appearance."""
    groups: dict[tuple[str, str, int, float | None], dict[str, int]] = {}
    for row in report.parameters:
        for owner in row.optimizers:
            verdicts = groups.setdefault((owner.name, owner.cls, owner.group, owner.lr), {})
            verdicts[row.verdict] = verdicts.get(row.verdict, 0) + 1
    return [
        {
            "name": name, "cls": cls, "group": group, "lr": lr, "count": sum(verdicts.values()),
            "verdicts": ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()),
        }
        for (name, cls, group, lr), verdicts in groups.items()
    ]  # fmt: skip
