"""Facts about every followed leaf, gathered once from the events; rules read these and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tracer.diagnosis.settings import Settings
from tracer.events import (
    BackwardEnded,
    BackwardStarted,
    CutFound,
    ErrorRaised,
    FunctionSeen,
    GradAccumulated,
    GradMeasured,
    GradTouched,
    GraphSeen,
    Group,
    HookRan,
    LeafSeen,
    ModelSeen,
    ModuleSeen,
    NameRebound,
    OptimizerSeen,
    OutputDropped,
    PlaceSeen,
    RequiresGradChanged,
    StepSkipped,
    TermDropped,
    UpdateComputed,
    ValueMeasured,
)
from tracer.traces import Header

Answer = TypeVar("Answer")


@dataclass(slots=True)
class StepFacts:
    """One ``optimizer.step()`` as one leaf saw it."""

    step: int
    optimizer: int
    order: int  #: position of the step among all events
    place: int | None
    group: int
    lr: float | None
    weight_decay: float | None
    momentum: float | None
    grad: GradMeasured | None = None  #: ``.grad`` as the optimizer saw it; None = not measured
    value: ValueMeasured | None = None  #: what the step did to the value; None = not compared
    closure: bool = False  #: ``step(closure)``: the backwards ran inside the step
    times: int = 1  #: for how many steps in a row it stands: this one, and others like it that were not kept
    kind: tuple[Any, ...] | None = None  #: equal for steps that are alike but for sizes, once it was asked for
    within: int | None = None  #: the optimizer in whose step this one ran


@dataclass(slots=True)
class LeafFacts:
    """Everything observed about one leaf. Lists are in the order of observation."""

    leaf: int
    seen: LeafSeen
    model: ModelSeen | None = None
    module: ModuleSeen | None = None  #: the module that holds it
    accumulated: list[GradAccumulated] = field(default_factory=list)
    accumulated_at: list[int] = field(default_factory=list)  #: position of each among all events
    accumulations: int = 0  #: how many there were; of a long run not all are kept in ``accumulated``
    reached: list[int] = field(default_factory=list)  #: backwards whose graph holds the leaf (ran or not)
    computed: int = 0  #: times ``autograd.grad`` returned a gradient for it
    grads: list[GradMeasured] = field(default_factory=list)  #: when="backward"
    grads_at: list[int] = field(default_factory=list)  #: position of each among all events
    folded: dict[int, int] = field(default_factory=dict)  #: id of a measured gradient -> for how many it stands
    touches: list[tuple[int, GradTouched]] = field(default_factory=list)  #: (order, event)
    steps: list[StepFacts] = field(default_factory=list)
    owners: list[tuple[int, int]] = field(default_factory=list)  #: (optimizer, group) holding it at the end
    ever_owned: bool = False
    outside: list[tuple[int, ValueMeasured]] = field(default_factory=list)  #: changes between steps
    cuts: list[CutFound] = field(default_factory=list)
    dropped: list[OutputDropped] = field(default_factory=list)
    updates: list[UpdateComputed] = field(default_factory=list)
    hooks: list[HookRan] = field(default_factory=list)
    skipped: list[StepSkipped] = field(default_factory=list)
    toggles: list[RequiresGradChanged] = field(default_factory=list)
    toggled_at: list[int] = field(default_factory=list)  #: position of each among all events
    owned_at: dict[int, int] = field(default_factory=dict)  #: optimizer -> when it was first seen to hold it
    moved_unseen: list[int] = field(default_factory=list)  #: positions in ``Facts.gaps``: its value changed there
    replaced: list[NameRebound] = field(default_factory=list)  #: this leaf took the name from another
    lost: list[NameRebound] = field(default_factory=list)  #: another leaf took this one's name

    @property
    def step_count(self) -> int:
        """How many steps were made with it; of a long run not all are kept in ``steps``."""
        return sum(step.times for step in self.steps)

    def count(self, grads: Iterable[GradMeasured]) -> int:
        """Return how many measured gradients there were, those included that these stand for."""
        return sum(self.folded.get(id(grad), 1) for grad in grads)


@dataclass(slots=True)
class Facts:
    """The whole run, indexed."""

    header: Header
    leaves: dict[int, LeafFacts] = field(default_factory=dict)
    places: dict[int, PlaceSeen] = field(default_factory=dict)
    models: dict[int, ModelSeen] = field(default_factory=dict)
    modules: dict[int, ModuleSeen] = field(default_factory=dict)
    optimizers: dict[int, OptimizerSeen] = field(default_factory=dict)
    groups: dict[int, tuple[Group, ...]] = field(default_factory=dict)  #: last seen, per optimizer
    stepped: dict[int, int] = field(default_factory=dict)  #: optimizer -> how often it stepped
    graphs: dict[int, GraphSeen] = field(default_factory=dict)
    functions: dict[str, FunctionSeen] = field(default_factory=dict)  #: custom Functions by the name of their nodes
    backwards: dict[int, BackwardStarted] = field(default_factory=dict)
    ended: dict[int, BackwardEnded] = field(default_factory=dict)
    terms: list[TermDropped] = field(default_factory=list)
    errors: list[ErrorRaised] = field(default_factory=list)
    skipped: list[StepSkipped] = field(default_factory=list)
    started_at: dict[int, int] = field(default_factory=dict)  #: backward -> position among all events
    gaps: list[int] = field(default_factory=list)  #: where steps passed unseen: positions among all events
    unseen: dict[int, int] = field(default_factory=dict)  #: optimizer -> steps that it made unseen
    settings: Settings = field(default_factory=Settings)
    memo: dict[object, Any] = field(default_factory=dict)  #: what rules worked out once for all leaves

    def once(self, key: object, work: Callable[[Facts], Answer]) -> Answer:
        """Return what ``work`` finds out about the whole run; it is asked the first time only.

        A rule is asked about each leaf, so what it looks through all leaves for is looked up here.
        """
        if key not in self.memo:
            self.memo[key] = work(self)
        found: Answer = self.memo[key]
        return found
