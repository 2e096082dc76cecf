"""From a trace to a report: every rule on every leaf, one primary verdict each, findings merged."""

from __future__ import annotations

from dataclasses import replace

from tracer.diagnosis.choosing import Choice, choose
from tracer.diagnosis.evidence import outermost
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import SEVERITIES, Finding, NotApplicable, ParameterReport, Report
from tracer.diagnosis.gathering import gather
from tracer.diagnosis.listing import listed
from tracer.diagnosis.merging import merge_findings
from tracer.diagnosis.raised import raised_in
from tracer.diagnosis.rows import model_names, row_of
from tracer.diagnosis.rules import Rule, all_rules
from tracer.diagnosis.settings import Settings
from tracer.diagnosis.verdicts import FOLLOWS
from tracer.traces import Trace


def diagnose(trace: Trace, settings: Settings | None = None) -> Report:
    """Return the report of a trace: live, loaded from a file or merged, the answer is the same."""
    return report_on(gather(trace, settings), trace.notes)


def report_on(facts: Facts, notes: tuple[str, ...] = ()) -> Report:
    """Return the report of facts that were gathered before."""
    reasons: dict[str, None] = dict.fromkeys(notes)
    everything: list[Finding] = []
    rows: list[ParameterReport] = []
    models = model_names(facts)
    for leaf in listed(facts):
        findings = judge(leaf, facts, reasons)
        choice = choose(leaf, facts, findings)
        findings = _demote(findings, choice)
        everything += findings
        rows.append(row_of(leaf, facts, choice, findings, models))
    merged = merge_findings(everything, {row.leaf: row.name for row in rows})
    raised = raised_in(facts)
    return Report(facts.header, tuple(rows), merged, (*raised, *reasons), count_graph(facts), raised)


def judge(leaf: LeafFacts, facts: Facts, reasons: dict[str, None]) -> list[Finding]:
    """Return what the rules find about one leaf; add why a rule could not be decided to ``reasons``."""
    findings: list[Finding] = []
    for rule in all_rules():
        result = _checked(rule, leaf, facts)
        if isinstance(result, NotApplicable):
            reasons[f"{rule.code} {rule.name} was not judged: {result.reason}."] = None
        elif result is not None:
            findings.append(result)
    return findings


def _checked(rule: Rule, leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    """Run one rule; one that fails is told, and takes nothing of the others with it."""
    try:
        return rule.check(leaf, facts)
    except Exception as problem:
        return NotApplicable(f"the rule itself failed for {leaf.seen.name} ({type(problem).__name__}: {problem})")


def _demote(findings: list[Finding], choice: Choice) -> list[Finding]:
    """Lower what only follows from the primary cause to info: it is no alarm of its own."""
    kept: list[Finding] = []
    for finding in findings:
        if finding.name != choice.verdict and choice.verdict in FOLLOWS.get(finding.name, ()):
            finding = replace(finding, severity="info", message=f"{finding.message} (follows from {choice.verdict})")
        kept.append(finding)
    return sorted(kept, key=lambda f: (f.name != choice.verdict, SEVERITIES.index(f.severity), f.code))


def count_graph(facts: Facts) -> dict[str, int]:
    """Return the counts of the last outermost backward's graph."""
    with_graph = [b for b in outermost(facts) if b.graph is not None and b.graph in facts.graphs]
    if not with_graph or with_graph[-1].graph is None:
        return {"nodes": 0, "edges": 0, "leaves": 0, "accumulated": 0}
    last = with_graph[-1]
    graph = facts.graphs[with_graph[-1].graph]
    leaves = {node.leaf for node in graph.nodes if node.leaf is not None}
    got = {
        leaf.leaf for leaf in facts.leaves.values() if any(a.backward == last.backward for a in leaf.accumulated[-64:])
    }
    return {
        "nodes": len(graph.nodes) + graph.truncated,
        "edges": len(graph.edges),
        "leaves": len(leaves),
        "accumulated": len(got),
    }
