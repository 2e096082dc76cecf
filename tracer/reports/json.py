"""``report.json``: the diagnosis as one JSON document, in the form that the public contract fixes."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from tracer.diagnosis.findings import Finding, ParameterReport, Report, Where
from tracer.reports.words import visible
from tracer.traces import Trace

SCHEMA = "tracer.report/1"


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the document; numbers that are not finite appear as ``"nan"``, ``"inf"`` and ``"-inf"``."""
    return _plain(json.dumps(finite(document(report)), indent=1, ensure_ascii=False, allow_nan=False)) + "\n"


def _plain(text: str) -> str:
    """Return JSON with invisible signs escaped, the same to a program: a terminal that shows the file obeys none."""
    return re.sub("[^\n -~]", lambda found: found[0] if visible(found[0]) else json.dumps(found[0])[1:-1], text)


def document(report: Report) -> dict[str, Any]:
    """Return the document as plain dicts and lists."""
    header = report.header
    return {
        "schema": SCHEMA,
        "torch": header.torch,
        "rank": header.rank,
        "world_size": header.world_size,
        "steps": header.steps,
        "backwards": header.backwards,
        "program": header.program,
        "detail": header.detail,
        "gpus": [dict(zip(("device", "model", "peak_bytes"), gpu, strict=True)) for gpu in header.gpus],
        "parameters": [_parameter(row) for row in report.parameters],
        "findings": [_finding(report, finding) for finding in report.findings],
        "notes": list(report.notes),
        "graph": dict(report.graph),
    }


def _parameter(row: ParameterReport) -> dict[str, Any]:
    grad, value = row.grad, row.value
    small = math.prod(row.shape) <= 64
    return {
        "name": row.name,
        "model": row.model,
        "aliases": list(row.aliases),
        "shape": list(row.shape),
        "dtype": row.dtype,
        "device": row.device,
        "requires_grad": row.requires_grad,
        "verdict": row.verdict,
        "severity": row.severity,
        "confidence": row.confidence,
        "message": row.message,
        "fix": row.fix,
        "where": [_where(where) for where in row.where],
        "optimizers": [{"name": o.name, "class": o.cls, "group": o.group, "lr": o.lr} for o in row.optimizers],
        "grad": {
            "accumulated": grad.accumulated,
            "norm": grad.norm,
            "zero_share": grad.zero_share,
            "finite": grad.finite,
            **({"values": grad.values} if small else {}),
        },
        "value": {
            "changed": value.changed,
            "steps": value.steps,
            "update_norm": value.update_norm,
            "update_ratio": value.update_ratio,
            "changed_by": value.changed_by,
            "sampled": value.sampled,
            **({"before": value.before, "after": value.after} if small else {}),
        },
        "findings": list(row.findings),
    }


def _finding(report: Report, finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "parameters": list(report.names_of(finding)),
        "message": finding.message,
        "fix": finding.fix,
        "where": [_where(where) for where in finding.where],
    }


def _where(where: Where) -> dict[str, Any]:
    return {
        "file": where.file,
        "line": where.line,
        "function": where.function,
        "op": where.op,
        "role": where.role,
        "code": [{"line": where.first + i, "text": text} for i, text in enumerate(where.code)],
    }


def finite(thing: Any) -> Any:
    """Return a copy in which each number that JSON cannot hold is a string.

    The nesting is that of the document: at most as deep as a tensor has dimensions.
    """
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else str(thing)
    if isinstance(thing, complex):
        return str(thing).strip("()")
    if isinstance(thing, dict):
        return {key: finite(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [finite(value) for value in thing]
    return thing
