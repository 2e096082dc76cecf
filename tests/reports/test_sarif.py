"""``report.sarif``: what the standard asks of it, and what code-scanning pages need to be useful."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from tracer.diagnosis.engine import diagnose
from tracer.reports import sarif
from tracer.traces import Trace

Build = Callable[..., Trace]


def strict(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


TEXT = {"type": "string", "minLength": 1}
MESSAGE = strict(["text"], text=TEXT)
LOCATION = strict(
    ["physicalLocation"],
    id={"type": "integer", "minimum": 0},
    message=MESSAGE,
    physicalLocation=strict(
        ["artifactLocation", "region"],
        artifactLocation=strict(["uri"], uri={"type": "string", "pattern": r"^(file:///)?[A-Za-z0-9_.~%/-]+$"}),
        region=strict(["startLine"], startLine={"type": "integer", "minimum": 1}, snippet=MESSAGE),
    ),
)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
#: The part of SARIF 2.1.0 that we write, in our own words and stricter than the standard: nothing else is allowed.
#: Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html sections 3.13 to 3.49
SCHEMA = strict(
    ["$schema", "version", "runs"],
    **{
        "$schema": {
            "const": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
        }
    },
    version={"const": "2.1.0"},
    runs={
        "type": "array",
        "minItems": 1,
        "items": strict(
            ["tool", "results"],
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            invocations={
                "type": "array",
                "items": strict(
                    ["executionSuccessful"],
                    executionSuccessful={"type": "boolean"},
                    toolExecutionNotifications={
                        "type": "array",
                        "items": strict(["message"], level=LEVEL, message=MESSAGE),
                    },
                ),
            },
            tool=strict(
                ["driver"],
                driver=strict(
                    ["name"],
                    name=TEXT,
                    version=TEXT,
                    rules={
                        "type": "array",
                        "uniqueItems": True,
                        "items": strict(
                            ["id"],
                            id=TEXT,
                            name=TEXT,
                            shortDescription=MESSAGE,
                            help=MESSAGE,
                            defaultConfiguration=strict([], level=LEVEL),
                        ),
                    },
                ),
            ),
            results={
                "type": "array",
                "items": strict(
                    ["message"],
                    ruleId=TEXT,
                    ruleIndex={"type": "integer", "minimum": 0},
                    level=LEVEL,
                    message=MESSAGE,
                    locations={"type": "array", "items": LOCATION, "maxItems": 1},
                    relatedLocations={"type": "array", "items": LOCATION},
                    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
                    properties={"type": "object"},
                ),
            },
        ),
    },
)


def log(trace: Trace) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sarif.render(trace, diagnose(trace)))
    return found


@pytest.mark.parametrize("name", ["healthy", "broken", "hostile"])
def test_it_has_the_form_of_the_standard(name: str, request: pytest.FixtureRequest) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(log(request.getfixturevalue(name)))


def test_a_finding_points_at_its_line_with_the_rule_and_the_fix(broken: Trace) -> None:
    run = log(broken)["runs"][0]
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "TR202"
    assert result["level"] == "error"
    assert "encoder.layers.0.weight, encoder.layers.1.weight: " in result["message"]["text"]
    assert ". Fix: " in result["message"]["text"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "train.py"
    assert place["region"] == {"startLine": 5, "snippet": {"text": "    x = y.detach()"}}


def test_the_rule_brings_its_page(broken: Trace) -> None:
    (rule,) = log(broken)["runs"][0]["tool"]["driver"]["rules"]
    assert rule["name"] == "cut"
    assert rule["help"]["text"].startswith("TR202 cut (error)")


def test_a_finding_is_known_again_when_its_line_moves(broken: Trace) -> None:
    from tracer.events import PlaceSeen

    moved = tuple(replace(e, line=e.line + 7) if isinstance(e, PlaceSeen) else e for e in broken.events)
    prints = [
        log(trace)["runs"][0]["results"][0]["partialFingerprints"] for trace in (broken, replace(broken, events=moved))
    ]
    assert prints[0] == prints[1]


def test_what_was_not_recorded_is_a_notification(broken: Trace) -> None:
    from tracer.events import Noted

    noted = replace(broken, events=(*broken.events, Noted("the buffer overflowed")))
    invocation = log(noted)["runs"][0]["invocations"][0]
    assert {"level": "note", "message": {"text": "the buffer overflowed"}} in invocation["toolExecutionNotifications"]


def test_a_healthy_run_has_no_results(healthy: Trace) -> None:
    assert log(healthy)["runs"][0]["results"] == []
