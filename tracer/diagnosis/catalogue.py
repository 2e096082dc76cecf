"""What the rules say about themselves: the list, one rule's page, and ``docs/rules.md``."""

from __future__ import annotations

import inspect
import textwrap

from tracer.diagnosis.rank_rules import RankRule, all_rank_rules
from tracer.diagnosis.rules import Rule, all_rules
from tracer.diagnosis.settings import THRESHOLDS
from tracer.diagnosis.verdicts import CODES, PRIORITY
from tracer.errors import UsageError

#: First digit of the code -> the question that its rules answer.
CHAPTERS = (
    ("1", "Is it the tensor that the optimizer holds?"),
    ("2", "Can the gradient reach it?"),
    ("3", "What is the gradient worth when it arrives?"),
    ("4", "Does a step use the gradient?"),
    ("5", "Does the value keep what the step did?"),
    ("6", "Do the ranks of a job agree?"),
)


def every_rule() -> tuple[Rule | RankRule, ...]:
    """Return the rules about one rank, then those about several, by code."""
    return (*all_rules(), *all_rank_rules())


def list_rules() -> tuple[tuple[str, str, str, str], ...]:
    """Return code, name, severity and first line of every rule."""
    return tuple((r.code, r.name, CODES[r.code].severity, r.text.strip().splitlines()[0]) for r in every_rule())


def find_rule(code: str) -> Rule | RankRule:
    """Return a rule by code (``TR202``) or name (``cut``).

    Raises:
        UsageError: when there is no such rule.
    """
    for rule in every_rule():
        if code.lower() in (rule.code.lower(), rule.name):
            return rule
    raise UsageError(f"there is no rule {code!r}.", "`tracer rules` lists them.", slug="unknown-rule")


def rule_text(code: str) -> str:
    """Return the documentation of one rule as plain text."""
    rule = find_rule(code)
    head = f"{rule.code} {rule.name} ({CODES[rule.code].severity})"
    parts = [head, "=" * len(head), "", inspect.cleandoc(rule.text).strip()]
    keys = [key for key in THRESHOLDS if key.startswith(f"{rule.code}.")]
    if keys:
        parts += [
            "",
            "Settings:",
            *(f"  {key} = {THRESHOLDS[key][0]:g}: {THRESHOLDS[key][1]}" for key in keys),
        ]
    parts += ["", "A program that it fires on:", "", textwrap.indent(program_of(rule), "    ")]
    return "\n".join(parts) + "\n"


def program_of(rule: Rule | RankRule) -> str:
    """Return the source of the rule's bad program, with the function that it hands to."""
    pieces = [getattr(rule.module, name, None) for name in ("_network", "_train")]
    return "\n\n".join(inspect.getsource(piece).strip() for piece in (*pieces, rule.bad) if piece is not None)


def render_guide() -> str:
    """Return ``docs/rules.md``: a guide to "why does my model not learn", by the way of a gradient."""
    lines = [_INTRODUCTION]
    for digit, question in CHAPTERS:
        lines += [f"## {question}", ""]
        for rule in every_rule():
            if rule.code[2] == digit:
                lines += _section(rule)
    lines += _order() + _settings()
    return "\n".join(lines).rstrip() + "\n"


def _section(rule: Rule | RankRule) -> list[str]:
    row = CODES[rule.code]
    body = inspect.cleandoc(rule.text).strip()
    body = body.replace("\nFix: ", "\n**Fix:** ").replace("\nSource: ", "\nSource: ")
    kind = "" if row.primary else ", a finding beside another verdict"
    return [
        f"### {rule.code} `{rule.name}`", "", f"*{row.severity}{kind}*", "", body, "",
        "<details><summary>A program that it fires on</summary>", "", "```python", program_of(rule),
        "```", "",
        "</details>", "",
    ]  # fmt: skip


def _order() -> list[str]:
    lines = [
        "## Which cause is named first",
        "",
        "Several may hold at once. The first of these is the verdict:",
        "",
    ]
    return [*lines, *(f"{i}. `{name}`" for i, name in enumerate(PRIORITY, 1)), ""]


def _settings() -> list[str]:
    lines = [
        "## Settings",
        "",
        "Set with `--set KEY=VALUE`.",
        "",
        "| key | default | means |",
        "|---|---|---|",
    ]
    return [*lines, *(f"| `{key}` | {value:g} | {text} |" for key, (value, text) in THRESHOLDS.items())]


_INTRODUCTION = """# Why does my model not learn?

*Generated from the rules by `make docs`; do not edit.*

A parameter trains when five things hold, and each can fail silently. The chapters follow the way of a
gradient from the loss to the changed value; the first that fails is the one to repair. Every parameter gets
one verdict. `updated` and `frozen` are quiet: the first trains, the second is not meant to.

In a hurry:

| what you see | look at |
|---|---|
| `.grad` is None | [here](#can-the-gradient-reach-it): `cut`, `non_differentiable`, `unused`, `no_backward` |
| `.grad` is all zeros | `zero_grad`, `cleared`, `hooked`, `replaced_grad` |
| the loss is NaN | `nan_grad`, `nan_loss`, `exploding` |
| only the value stays | `not_in_optimizer`, `stale_in_optimizer`, `no_step`, `lr_zero`, `underflow` |
| it moves, the loss stays | `decay_only`, `overwritten`, `grad_not_cleared`, `dead_term`, `vanishing` |
"""
