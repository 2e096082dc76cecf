"""Assertions for tests: what should train does, what should stay does, and the failure says why not.

Each runs the given step under the tracer, in the model's present mode, and leaves the model as the step leaves
it. Names are matched with ``fnmatch`` patterns, as ``encoder.*``.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tracer.diagnosis.findings import SEVERITIES, ParameterReport, Report
from tracer.errors import UsageError
from tracer.integrations.failures import failure_text, finding_text

Step = Callable[[], Any]


def traced(model: Any, step: Step, *, optimizer: Any = None, steps: int = 1, detail: str = "flow") -> Report:
    """Run ``step`` ``steps`` times under the tracer and return the report.

    Args:
        model: the module whose parameters are judged, or a dict or list of modules.
        step: called without arguments. It runs forward and backward, and ``optimizer.step()`` where values
            are to move. When it returns a loss that no backward has started from, backward is run on it.
        optimizer: an optimizer or several; None takes those that step.
        steps: how often it is called; rules about several steps need two or more.
        detail: as for ``tracer.record``.

    Returns:
        The report.

    Raises:
        UsageError: when ``steps`` is less than 1 or an argument is of another kind.
    """
    from tracer.api import record

    if steps < 1:
        raise UsageError(f"steps is {steps}.", "It must be 1 or more.")
    with record(model, optimizer, detail=detail) as recording:
        for _ in range(steps):
            started = recording.backwards
            loss = step()
            if recording.backwards == started and getattr(loss, "requires_grad", False):
                loss.backward()
    return recording.report()


def assert_learns(
    model: Any, step: Step, *, optimizer: Any = None, steps: int = 1, ignore: str | Sequence[str] = ()
) -> Report:
    """Assert that every parameter that requires grad is changed by an optimizer because of its gradient.

    A parameter that is frozen (``requires_grad`` False) passes: ``assert_frozen`` and
    ``assert_optimizer_covers`` look at those.

    Args:
        model: the module whose parameters are judged, or a dict or list of modules.
        step: called without arguments. It runs forward and backward, and ``optimizer.step()`` where values
            are to move. When it returns a loss that no backward has started from, backward is run on it.
        optimizer: an optimizer or several; None takes those that step.
        steps: how often ``step`` is called; rules about several steps need two or more.
        ignore: patterns over names of parameters that are passed over.

    Returns:
        The report, also for further questions.

    Raises:
        AssertionError: with the diagnosis: each cause with its line and fix.
        UsageError: when a pattern of ``ignore`` matches no parameter.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def step():
            optimizer.zero_grad()
            model(torch.ones(8, 4)).pow(2).mean().backward()
            optimizer.step()

        tracer.assert_learns(model, step)
        ```
    """
    report = traced(model, step, optimizer=optimizer, steps=steps)
    rows = _wanted(report, ignore)
    bad = [row for row in rows if row.requires_grad and row.verdict != "updated"]
    _fail(bad, report, "do not learn", len(rows))
    return report


def assert_all_params_receive_grad(
    model: Any, step: Step, *, ignore: str | Sequence[str] = (), allow_zero: bool = False
) -> Report:
    """Assert that a gradient accumulates in every parameter that requires grad.

    Args:
        model: the module whose parameters are judged, or a dict or list of modules.
        step: runs forward and backward, or returns the loss.
        ignore: patterns over names of parameters that are passed over.
        allow_zero: let a gradient pass that is exactly zero everywhere.

    Returns:
        The report, also for further questions.

    Raises:
        AssertionError: with the diagnosis.
        UsageError: when a pattern of ``ignore`` matches no parameter.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        tracer.assert_all_params_receive_grad(model, lambda: model(torch.ones(8, 4)).mean())
        ```
    """
    report = traced(model, step)
    rows = [row for row in _wanted(report, ignore) if row.requires_grad]
    bad = [row for row in rows if not row.grad.accumulated or (row.grad.norm == 0.0 and not allow_zero)]
    _fail(bad, report, "receive no gradient", len(rows))
    return report


def assert_frozen(
    model: Any, step: Step, params: str | Sequence[str], *, optimizer: Any = None, steps: int = 1
) -> Report:
    """Assert that no bit of the named parameters changes, neither by an optimizer nor otherwise.

    Weight decay and momentum move a parameter without a gradient too.

    Args:
        model: the module whose parameters are judged, or a dict or list of modules.
        step: called without arguments. It runs forward and backward, and ``optimizer.step()`` where values
            are to move. When it returns a loss that no backward has started from, backward is run on it.
        params: patterns over the names of those that must stay.
        optimizer: an optimizer or several; None takes those that step.
        steps: how often ``step`` is called; rules about several steps need two or more.

    Returns:
        The report, also for further questions.

    Raises:
        AssertionError: with what changed them.
        UsageError: when a pattern of ``params`` matches no parameter.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 1))
        model[0].requires_grad_(False)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def step():
            model(torch.ones(8, 4)).mean().backward()
            optimizer.step()

        tracer.assert_frozen(model, step, "0.*")
        ```
    """
    report = traced(model, step, optimizer=optimizer, steps=steps)
    patterns = _patterns(params)
    _check_patterns(patterns, report, "params")
    rows = [row for row in report if _matches(row, patterns)]
    bad = [row for row in rows if row.value.changed]
    if bad:
        moved = "\n".join(f"  {report.name_of(row.leaf)}: changed by {_mover(row)}" for row in bad[:12])
        raise AssertionError(f"{len(bad)} of {len(rows)} parameters that should stay as they are changed:\n{moved}")
    return report


def assert_optimizer_covers(model: Any, optimizer: Any, *, ignore: str | Sequence[str] = ()) -> None:
    """Assert that every parameter that requires grad is in exactly one param group; nothing is run.

    Args:
        model: a module.
        optimizer: an optimizer, or a list or dict of them.
        ignore: patterns over names of parameters that are passed over.

    Raises:
        AssertionError: names those in none and those in several, and counts tensors of the optimizers that
            the model does not hold: it was replaced, copied or moved after they were built.
        UsageError: when a pattern of ``ignore`` matches no parameter.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        tracer.assert_optimizer_covers(model, torch.optim.SGD(model.parameters(), lr=0.1))
        ```
    """
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    patterns = _patterns(ignore)
    _check_names(patterns, [name for name, _ in model.named_parameters()], "ignore")
    held: dict[int, int] = {}
    for one in _optimizers(optimizer):
        for group in one.param_groups:
            for tensor in group["params"]:
                held[id(tensor)] = held.get(id(tensor), 0) + 1
    known = {id(p) for p in model.parameters()}
    wanted = [(name, held.get(id(p), 0)) for name, p in named if not _any_match(name, patterns)]
    parts = [
        _covers("in no optimizer", [name for name, count in wanted if count == 0]),
        _covers("in several param groups", [name for name, count in wanted if count > 1]),
        _stray(sum(mark not in known for mark in held)),
    ]
    told = [part for part in parts if part]
    if told:
        raise AssertionError("the optimizer does not cover the model:\n" + "\n".join(told))


def assert_no_findings(result: Any, *, severity: str = "warning", ignore: str | Sequence[str] = ()) -> None:
    """Assert that a report, recording or trace holds no finding of this severity or worse.

    Args:
        result: a ``Report``, or what ``tracer.record`` or ``tracer.load`` gave.
        severity: "error", "warning" or "info".
        ignore: codes or names of rules, such as ``TR106`` or ``unused``.

    Raises:
        AssertionError: with the findings.
        UsageError: for another severity.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with tracer.record(model, optimizer) as recording:
            model(torch.ones(2, 4)).sum().backward()
            optimizer.step()
        tracer.assert_no_findings(recording)
        ```
    """
    if severity not in SEVERITIES[:3]:
        raise UsageError(f"severity is {severity!r}.", "It may be 'error', 'warning' or 'info'.")
    report = _report_of(result)
    passed = set(_patterns(ignore))
    counted = SEVERITIES[: SEVERITIES.index(severity) + 1]
    bad = [f for f in report.findings if f.severity in counted and not passed & {f.code, f.name}]
    if bad:
        texts = "\n\n".join(finding_text(finding, report) for finding in bad)
        raise AssertionError(f"{len(bad)} finding{'' if len(bad) == 1 else 's'}:\n\n{texts}")


def _report_of(result: Any) -> Report:
    if isinstance(result, Report):
        return result
    found = result.report() if hasattr(result, "report") else None
    if isinstance(found, Report):
        return found
    from tracer.api import diagnose

    return diagnose(result)


def _fail(bad: list[ParameterReport], report: Report, what: str, total: int) -> None:
    if bad:
        raise AssertionError(failure_text(f"{len(bad)} of {total} parameters {what}:", bad, report))


def _wanted(report: Report, ignore: str | Sequence[str]) -> list[ParameterReport]:
    patterns = _patterns(ignore)
    _check_patterns(patterns, report, "ignore")
    if not len(report):
        raise UsageError("the model has no parameters.", "Give the module that the step trains.")
    return [row for row in report if not _matches(row, patterns)]


def _patterns(given: str | Sequence[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _matches(row: ParameterReport, patterns: Iterable[str]) -> bool:
    names = (row.name, f"{row.model}.{row.name}", *row.aliases)
    return any(_any_match(name, patterns) for name in names)


def _any_match(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _check_patterns(patterns: list[str], report: Report, what: str) -> None:
    _check_names(patterns, [n for row in report for n in (row.name, f"{row.model}.{row.name}", *row.aliases)], what)


def _check_names(patterns: list[str], names: list[str], what: str) -> None:
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in names):
            raise UsageError(f"{what} has {pattern!r}, which matches no parameter.", f"There are: {_some(names)}.")


def _some(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _mover(row: ParameterReport) -> str:
    by = row.value.changed_by
    if by != "outside":
        return f"the optimizer {by}" + (", by weight decay or momentum alone" if "TR405" in row.findings else "")
    return "a write outside any optimizer"


def _optimizers(given: Any) -> list[Any]:
    found = (
        list(given.values()) if isinstance(given, dict) else list(given) if isinstance(given, list | tuple) else [given]
    )
    for one in found:
        if not hasattr(one, "param_groups"):
            raise UsageError(f"an optimizer is a {type(one).__name__}.", "Give torch.optim.Optimizer objects.")
    return found


def _covers(what: str, names: list[str]) -> str:
    return f"  {what}: {_some(names)}" if names else ""


def _stray(count: int) -> str:
    if not count:
        return ""
    return f"  {count} of its tensors are not this model's: it was built for another copy, or before they were replaced"
