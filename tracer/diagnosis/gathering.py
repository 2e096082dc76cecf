"""Facts from events: one pass over a trace, an index by leaf at the end."""

from __future__ import annotations

from dataclasses import replace

from tracer.diagnosis.facts import Facts, LeafFacts, StepFacts
from tracer.diagnosis.folding import KEPT, fold, thin
from tracer.diagnosis.settings import Settings
from tracer.events import (
    BackwardEnded,
    BackwardStarted,
    CutFound,
    ErrorRaised,
    Event,
    FunctionSeen,
    GradAccumulated,
    GradComputed,
    GradMeasured,
    GradTouched,
    GraphSeen,
    GroupsSeen,
    HookRan,
    LeafSeen,
    ModelSeen,
    ModuleSeen,
    NameRebound,
    OptimizerSeen,
    OptimizerStepped,
    OutputDropped,
    PlaceSeen,
    RequiresGradChanged,
    StepSkipped,
    StepsPassed,
    TermDropped,
    UpdateComputed,
    ValueMeasured,
)
from tracer.traces import Trace


def gather(trace: Trace, settings: Settings | None = None) -> Facts:
    """Index the events of a trace by leaf, in one pass over them."""
    gathering = _Gathering(Facts(trace.header, settings=settings or Settings()))
    for order, event in enumerate(trace.events):
        gathering.add(order, event)
    return gathering.finish()


class _Gathering:
    """What is needed only while the events pass by."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.members: dict[int, tuple[int, ...]] = {}  # graph -> leaves in it
        self.measured: list[int] = []  #: backwards that keep what was measured at their nodes
        self.open: dict[tuple[int, int], list[StepFacts]] = {}  # (leaf, optimizer) -> its steps

    def leaf(self, key: int) -> LeafFacts:
        """Return the facts of a leaf; one that the recording never introduced stays hidden."""
        if key not in self.facts.leaves:
            unknown = LeafSeen(key, None, f"leaf {key}", (), (), "", "", True, "hidden")
            self.facts.leaves[key] = LeafFacts(key, unknown)
        return self.facts.leaves[key]

    def add_leaf(self, event: LeafSeen) -> None:
        """Take a leaf's description; a later one (it got its name) keeps the first ``requires_grad``."""
        known = self.facts.leaves.get(event.leaf)
        if known is None:
            self.facts.leaves[event.leaf] = LeafFacts(event.leaf, event)
        else:
            known.seen = replace(event, requires_grad=known.seen.requires_grad)

    def add(self, order: int, event: Event) -> None:
        facts = self.facts
        match event:
            case PlaceSeen():
                facts.places[event.place] = event
            case ModelSeen():
                facts.models[event.model] = event
            case ModuleSeen():
                facts.modules[event.module] = event
            case LeafSeen():
                self.add_leaf(event)
            case OptimizerSeen():
                facts.optimizers[event.optimizer] = event
                facts.stepped.setdefault(event.optimizer, 0)
            case GraphSeen():
                facts.graphs[event.graph] = event
                held = (node.leaf for node in event.nodes if node.leaf is not None)
                self.members[event.graph] = tuple(dict.fromkeys(held))
            case FunctionSeen():
                facts.functions[event.node] = event
            case TermDropped():
                facts.terms.append(event)
            case ErrorRaised():
                facts.errors.append(event)
            case _:
                self.add_of_run(order, event)

    def add_of_run(self, order: int, event: Event) -> None:
        facts = self.facts
        match event:
            case BackwardStarted():
                facts.backwards[event.backward] = event
                facts.started_at[event.backward] = order
                for key in self.members.get(-1 if event.graph is None else event.graph, ()):
                    self.leaf(key).reached.append(event.backward)
            case BackwardEnded():
                facts.ended[event.backward] = event
                if event.norms and not event.culprits:
                    self.measured.append(event.backward)
                    self.measured = thin(facts, self.measured)
            case GroupsSeen():
                self.add_groups(order, event)
            case OptimizerStepped():
                self.add_step(order, event)
            case StepsPassed():
                self.add_gap(order, event)
            case StepSkipped():
                facts.skipped.append(event)
                for key in self.skipped_leaves(event):
                    self.leaf(key).skipped.append(event)
            case NameRebound():
                self.leaf(event.new).replaced.append(event)
                self.leaf(event.old).lost.append(event)
            case _:
                self.add_of_leaf(order, event)

    def add_of_leaf(self, order: int, event: Event) -> None:
        match event:
            case GradAccumulated():
                self.leaf(event.leaf).accumulations += 1
                self.leaf(event.leaf).accumulated.append(event)
                self.leaf(event.leaf).accumulated_at.append(order)
            case GradComputed():
                self.leaf(event.leaf).computed += 1
            case GradMeasured(when="backward"):
                self.leaf(event.leaf).grads.append(event)
                self.leaf(event.leaf).grads_at.append(order)
            case GradMeasured():
                step = self.step_of(event.leaf, event.optimizer, event.step, "grad")
                if step is not None:
                    step.grad = event
            case GradTouched():
                self.leaf(event.leaf).touches.append((order, event))
            case HookRan():
                self.leaf(event.leaf).hooks.append(event)
            case ValueMeasured():
                self.add_value(order, event)
            case CutFound():
                self.leaf(event.leaf).cuts.append(event)
            case UpdateComputed():
                self.leaf(event.leaf).updates.append(event)
            case OutputDropped():
                self.leaf(event.leaf).dropped.append(event)
            case RequiresGradChanged():
                self.leaf(event.leaf).toggles.append(event)
                self.leaf(event.leaf).toggled_at.append(order)

    def add_groups(self, order: int, event: GroupsSeen) -> None:
        self.facts.groups[event.optimizer] = event.groups
        self.facts.stepped.setdefault(event.optimizer, 0)
        for group in event.groups:
            for key in group.leaves:
                leaf = self.leaf(key)
                leaf.ever_owned = True
                leaf.owned_at.setdefault(event.optimizer, order)

    def add_step(self, order: int, event: OptimizerStepped) -> None:
        self.facts.stepped[event.optimizer] = self.facts.stepped.get(event.optimizer, 0) + 1
        seen: set[int] = set()
        for index, group in enumerate(self.facts.groups.get(event.optimizer, ())):
            for key in group.leaves:
                if key in seen:
                    continue
                seen.add(key)
                step = StepFacts(
                    event.step, event.optimizer, order, event.place, index, group.lr,
                    group.weight_decay, group.momentum, closure=event.closure, within=event.within,
                )  # fmt: skip
                leaf = self.leaf(key)
                if len(leaf.steps) > KEPT:
                    fold(leaf, self.facts, self.open[key, leaf.steps[-1].optimizer])
                leaf.steps.append(step)
                self.open.setdefault((key, event.optimizer), []).append(step)

    def add_gap(self, order: int, event: StepsPassed) -> None:
        facts = self.facts
        for key in event.moved:
            self.leaf(key).moved_unseen.append(len(facts.gaps))
        for optimizer, count in event.steps:
            facts.unseen[optimizer] = facts.unseen.get(optimizer, 0) + count
        facts.gaps.append(order)

    def skipped_leaves(self, event: StepSkipped) -> set[int]:
        """Return whom a skipped step concerns: all that the optimizer owns."""
        owned = self.facts.groups.get(-1 if event.optimizer is None else event.optimizer, ())
        return {key for group in owned for key in group.leaves} | set(event.leaves)

    def step_of(self, leaf: int, optimizer: int | None, number: int, slot: str) -> StepFacts | None:
        """Return the step that a measurement belongs to: measurements may come in after later events."""
        if optimizer is None:
            return None
        steps = self.open.get((leaf, optimizer), [])
        for step in reversed(steps):
            if step.step == number and getattr(step, slot) is None:
                return step
        return next((step for step in steps if getattr(step, slot) is None), None)

    def add_value(self, order: int, event: ValueMeasured) -> None:
        if event.optimizer is None:
            steps = self.leaf(event.leaf).steps
            if steps and steps[-1].value is None:
                # Compared when the step began, so the change came before it.
                order = min(order, steps[-1].order - 1)
            self.leaf(event.leaf).outside.append((order, event))
            return
        step = self.step_of(event.leaf, event.optimizer, event.step, "value")
        if step is not None:
            step.value = event

    def finish(self) -> Facts:
        facts = self.facts
        for leaf in facts.leaves.values():
            leaf.model = None if leaf.seen.model is None else facts.models.get(leaf.seen.model)
            leaf.module = None if leaf.seen.module is None else facts.modules.get(leaf.seen.module)
        for optimizer, groups in facts.groups.items():
            for index, group in enumerate(groups):
                for key in group.leaves:
                    self.leaf(key).owners.append((optimizer, index))
        return facts
