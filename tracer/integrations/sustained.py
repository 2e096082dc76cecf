"""Which findings hold from sample to sample: told once when they have held for a while, and when they end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tracer.diagnosis.findings import Finding, Report
from tracer.integrations.samples import Told, told

#: (code, name of the parameter)
Key = tuple[str, str]


@dataclass(slots=True)
class _State:
    seen: int = 0  #: samples in a row with the finding
    missed: int = 0  #: samples in a row without it
    told: Told | None = None  #: how it was told, while it holds


class Sustained:
    """Counts each finding per parameter over the samples.

    One odd step (an expert that got no token) tells nothing; ``patience`` samples in a row do.
    """

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._states: dict[Key, _State] = {}

    @property
    def holding(self) -> tuple[str, ...]:
        """What was told and has not ended, as ``TR202 encoder.weight``."""
        return tuple(f"{code} {name}" for (code, name), state in self._states.items() if state.told is not None)

    def add(self, report: Report) -> tuple[tuple[Finding, ...], tuple[Told, ...]]:
        """Take the report of one sample; return the findings that begin to hold, and those that end."""
        present: set[Key] = set()
        started: list[Finding] = []
        for finding in report.findings:
            if finding.severity not in ("error", "warning"):
                continue
            fresh = [leaf for leaf in finding.parameters if self._saw((finding.code, report.name_of(leaf)), present)]
            if fresh:
                begun = replace(finding, parameters=tuple(fresh))
                started.append(begun)
                self._remember(told(begun, report))
        return tuple(started), self._ended(present)

    def _saw(self, key: Key, present: set[Key]) -> bool:
        """Count a finding once per sample; tell whether it is sustained now and was not told before."""
        if key in present:
            return False
        present.add(key)
        state = self._states.setdefault(key, _State())
        state.seen, state.missed = state.seen + 1, 0
        return state.seen >= self._patience and state.told is None

    def _remember(self, begun: Told) -> None:
        for name in begun.parameters:
            self._states[begun.code, name].told = begun

    def _ended(self, present: set[Key]) -> tuple[Told, ...]:
        over: dict[str, list[Told]] = {}
        for key in [key for key in self._states if key not in present]:
            state = self._states[key]
            state.seen, state.missed = 0, state.missed + 1
            if state.told is None:
                del self._states[key]
            elif state.missed >= self._patience:
                over.setdefault(state.told.text, []).append(replace(state.told, parameters=(key[1],)))
                del self._states[key]
        merged = (
            replace(alike[0], parameters=tuple(p for t in alike for p in t.parameters)) for alike in over.values()
        )
        return tuple(merged)
