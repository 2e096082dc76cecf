"""``report.sarif``: findings in SARIF 2.1.0, for code-scanning pages and editors.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from tracer.diagnosis.findings import Finding, Report, Where
from tracer.reports.words import clean
from tracer.traces import Trace

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the SARIF log."""
    from tracer.diagnosis.verdicts import CODES

    used = sorted({finding.code for finding in report.findings})
    rules = [
        {
            "id": code,
            "name": CODES[code].name,
            "shortDescription": {"text": CODES[code].means},
            "defaultConfiguration": {"level": _LEVELS.get(CODES[code].severity, "note")},
        }
        for code in used
    ]
    results = [_result(report, finding, used.index(finding.code)) for finding in report.findings]
    run = {
        "tool": {"driver": {"name": "tracer", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _result(report: Report, finding: Finding, rule: int) -> dict[str, Any]:
    names = ", ".join(clean(name, 120) for name in report.names_of(finding)[:20])
    fix = f" Fix: {finding.fix}" if finding.fix else ""
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS.get(finding.severity, "note"),
        "message": {"text": clean(f"{names}: {finding.message}{fix}", 4_000)},
        "properties": {"confidence": finding.confidence},
    }
    places = [where for where in finding.where if not where.file.startswith("<")]
    if places:
        result["locations"] = [_location(places[0])]
        if places[1:]:
            result["relatedLocations"] = [{"id": i, **_location(w)} for i, w in enumerate(places[1:], 1)]
    return result


def _location(where: Where) -> dict[str, Any]:
    address = quote(where.file.replace("\\", "/"), safe="/")
    address = f"file://{address}" if address.startswith("/") else address
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": address},
            "region": {"startLine": max(1, where.line)},
        },
        "message": {"text": clean(f"{where.role}: {where.op} in {where.function}", 300)},
    }
