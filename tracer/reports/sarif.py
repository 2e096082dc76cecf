"""``report.sarif``: findings in SARIF 2.1.0, for code-scanning pages and editors.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import Any
from urllib.parse import quote

from tracer.diagnosis.catalogue import rule_text
from tracer.diagnosis.findings import Finding, Report, Where
from tracer.diagnosis.verdicts import CODES
from tracer.errors import UsageError
from tracer.reports.words import clean
from tracer.traces import Trace

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the SARIF log."""
    used = sorted({finding.code for finding in report.findings})
    run = {
        "tool": {"driver": {"name": "tracer", "version": _version(), "rules": [_rule(code) for code in used]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": [_result(report, finding, used.index(finding.code)) for finding in report.findings],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _version() -> str:
    from tracer import __version__

    return __version__


def _rule(code: str) -> dict[str, Any]:
    verdict = CODES[code]
    rule: dict[str, Any] = {
        "id": code,
        "name": verdict.name,
        "shortDescription": {"text": verdict.means},
        "defaultConfiguration": {"level": _LEVELS.get(verdict.severity, "note")},
    }
    with contextlib.suppress(UsageError):  # a finding across ranks has no rule of one rank, so no page
        rule["help"] = {"text": rule_text(code)}
    return rule


def _invocation(report: Report) -> dict[str, Any]:
    """Return that the diagnosis ran, and what was not recorded as notifications."""
    notes = [{"level": "note", "message": {"text": clean(note, 1_000)}} for note in report.notes]
    return {"executionSuccessful": True, "toolExecutionNotifications": notes}


def _result(report: Report, finding: Finding, rule: int) -> dict[str, Any]:
    names = [clean(name, 120) for name in report.names_of(finding)]
    fix = f". Fix: {finding.fix}" if finding.fix else ""
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS.get(finding.severity, "note"),
        "message": {"text": clean(f"{', '.join(names[:20])}{more}: {finding.message}{fix}", 4_000)},
        "partialFingerprints": {"codeAndParameters/v1": _fingerprint(finding, names)},
        "properties": {"confidence": finding.confidence, "parameters": names[:500]},
    }
    places = [where for where in finding.where if not where.file.startswith("<")]
    if places:
        result["locations"] = [_location(places[0])]
        if places[1:]:
            result["relatedLocations"] = [{"id": i, **_location(where)} for i, where in enumerate(places[1:], 1)]
    return result


def _fingerprint(finding: Finding, names: list[str]) -> str:
    """Return what stays the same when lines move, so that a page knows a finding again."""
    return hashlib.sha256("\n".join([finding.code, *sorted(names)]).encode()).hexdigest()[:32]


def _location(where: Where) -> dict[str, Any]:
    # a file's name may hold bytes that are no UTF-8, which Python has as surrogates
    address = quote(where.file.replace("\\", "/").encode("utf-8", "surrogatepass"), safe="/")
    address = f"file://{address}" if address.startswith("/") else address
    region: dict[str, Any] = {"startLine": max(1, where.line)}
    at = where.line - where.first
    if where.code and 0 <= at < len(where.code):
        region["snippet"] = {"text": clean(where.code[at], 500)}
    return {
        "physicalLocation": {"artifactLocation": {"uri": address}, "region": region},
        "message": {"text": clean(f"{where.role}: {where.op} in {where.function}", 300)},
    }
