"""Modules that their owner passed by: it ran and called others, but not them."""

from __future__ import annotations

from tracer.diagnosis.facts import Facts, LeafFacts


def left_uncalled(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether it is certain that a leaf's module took no part: adapters that are switched off, a branch not taken.

    The nearest module around it that was called must have called another one: then its forward pass ran in Python,
    which that of a compiled module does not. Weights used without their module leave a cut or a dropped result.
    """
    module = leaf.module
    if module is None or module.calls or leaf.cuts or leaf.dropped:
        return False
    called = facts.once(("called", module.model), lambda facts: _called(facts, module.model))
    parts = module.path.split(".")
    around = next((p for i in range(len(parts) - 1, -1, -1) if (p := ".".join(parts[:i])) in called), None)
    if around is None:
        return False
    inside = f"{around}." if around else ""
    return any(path != around and path.startswith(inside) for path in called)


def _called(facts: Facts, model: int | None) -> frozenset[str]:
    return frozenset(seen.path for seen in facts.modules.values() if seen.model == model and seen.calls)
