"""What can be observed: one frozen dataclass per kind of fact.

Events are facts, never opinions. They hold numbers, strings, tuples and ``None`` only: no tensor,
no module, no ``id()``. Integers named ``place``, ``model``, ``module``, ``leaf``, ``optimizer``,
``graph`` and ``backward`` are keys that the recording hands out; each key is introduced by its own
``...Seen`` event before it is used. ``step`` counts from 1.

A trace is an iterable of these, in the order in which they were observed.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Version of the event format.  1: first version.
SCHEMA = 1

Number = float | int
#: Nested lists of numbers of a small tensor, row by row; ``None`` where not kept.
Values = object


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""


# --------------------------------------------------------------------------- places and names


@dataclass(frozen=True, slots=True)
class PlaceSeen(Event):
    """A source line that later events refer to by ``place``."""

    place: int
    file: str  #: relative to the working directory where possible, ``/`` separated
    line: int  #: counted from 1
    function: str  #: qualified name where known, ``<module>`` at top level
    code: tuple[str, ...] = ()  #: source lines ``line-1 .. line+1`` (fewer at the ends); empty if not kept
    first: int = 0  #: line number of ``code[0]``


@dataclass(frozen=True, slots=True)
class ModelSeen(Event):
    """A root module: one that is called, or owned by an optimizer, and is inside no other."""

    model: int
    name: str  #: variable name in the user's program where found (``learner.net``), else the class
    cls: str  #: class name
    place: int | None = None  #: where it was built


@dataclass(frozen=True, slots=True)
class StageSeen(Event):
    """This rank runs one stage of a pipeline (``torch.distributed.pipelining``); others run the other stages."""

    stage: int  #: counted from 0
    stages: int  #: of the whole pipeline
    leaves: tuple[int, ...] = ()  #: parameters of the stage


@dataclass(frozen=True, slots=True)
class ModuleSeen(Event):
    """One module of a model (the root has path '')."""

    module: int
    model: int
    path: str  #: as in ``named_modules()``; attribute path for a module that is not registered
    cls: str
    registered: bool = True
    place: int | None = None  #: where it was built
    calls: int = 0  #: how often its forward ran while recorded


@dataclass(frozen=True, slots=True)
class LeafSeen(Event):
    """A tensor whose training is followed: a parameter, a bare leaf, or an attribute that should be one."""

    leaf: int
    model: int | None  #: None for a bare tensor that belongs to no model
    name: str
    aliases: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str  #: ``float32``, without ``torch.``
    device: str
    requires_grad: bool
    #: "parameter" (registered), "unregistered" (of a module that no parent registers, or a bare leaf),
    #: "non_leaf" (an attribute holding a computed tensor), "input" (a leaf the user made require grad),
    #: "orphan" (held by an optimizer, reachable from no model)
    kind: str
    place: int | None = None  #: where it was created or registered
    module: int | None = None  #: the module that holds it
    local_shape: tuple[int, ...] | None = None  #: what this rank holds of a sharded one (DTensor); None = all
    placement: str = ""  #: how it is spread over the ranks, such as ``Shard(dim=0)``; '' for a plain tensor
    #: of a tensor beside all modules: "weight" (made as nn.Parameter), "data" (a module was called with it, or the
    #: program read its gradient), "" (neither was seen)
    role: str = ""
    asked: bool = False  #: the program read its gradient (cleared it, too) when there was none
    copy_of: int | None = None  #: the leaf that it is a deep copy of; ``place`` is then where it was copied


@dataclass(frozen=True, slots=True)
class NameRebound(Event):
    """An attribute of a model now holds another tensor than before (head replaced, ``assign=True``...)."""

    step: int
    model: int
    name: str
    old: int  #: leaf key of the tensor that held the name
    new: int  #: leaf key of the tensor that holds it now
    place: int | None = None


@dataclass(frozen=True, slots=True)
class RequiresGradChanged(Event):
    """A leaf's ``requires_grad`` differs from what was last seen."""

    step: int
    leaf: int
    value: bool
    place: int | None = None


# --------------------------------------------------------------------------- optimizers


@dataclass(frozen=True, slots=True)
class OptimizerSeen(Event):
    optimizer: int
    name: str  #: variable name where found, else the class
    cls: str
    place: int | None = None  #: where it was built


@dataclass(frozen=True, slots=True)
class Group:
    """One param group as it stood at one moment."""

    leaves: tuple[int, ...]  #: leaf keys
    lr: float | None
    weight_decay: float | None = None
    momentum: float | None = None  #: SGD's momentum, or beta1 of the Adam family


@dataclass(frozen=True, slots=True)
class GroupsSeen(Event):
    """The param groups of an optimizer, when first seen and whenever they differ from before."""

    step: int
    optimizer: int
    groups: tuple[Group, ...]
    place: int | None = None


@dataclass(frozen=True, slots=True)
class OptimizerStepped(Event):
    """``optimizer.step()`` ran. Measurements of gradients and values for it follow as own events."""

    step: int
    optimizer: int
    place: int | None = None
    closure: bool = False
    within: int | None = None  #: the optimizer in whose step this one ran: a part of it, as in ZeroRedundancyOptimizer


@dataclass(frozen=True, slots=True)
class StepsPassed(Event):
    """Steps were only counted: nothing else is known of them. What follows begins after the last of them."""

    since: int  #: the last step before
    until: int  #: the last of those that passed
    steps: tuple[tuple[int, int], ...] = ()  #: (optimizer, how often it stepped in them)
    moved: tuple[int, ...] = ()  #: leaves whose value is another one after them, as far as it was compared


@dataclass(frozen=True, slots=True)
class StepSkipped(Event):
    """A GradScaler checked this optimizer's gradients, found Inf or NaN and did not call ``step``."""

    step: int
    optimizer: int | None
    leaves: tuple[int, ...]  #: leaves whose gradient was not finite
    place: int | None = None


# --------------------------------------------------------------------------- graph and backward


@dataclass(frozen=True, slots=True)
class Node:
    """One autograd node."""

    name: str  #: ``grad_fn.name()`` such as ``AddmmBackward0``
    module: int | None = None  #: innermost module call that made it
    place: int | None = None  #: the user's line that made it
    op: str | None = None  #: the called function such as ``linear``
    leaf: int | None = None  #: for AccumulateGrad: the leaf it accumulates into
    details: tuple[str, ...] = ()  #: ``dim = 1``, ``saved self 3 x 4``: attributes, where they were asked for


@dataclass(frozen=True, slots=True)
class FunctionSeen(Event):
    """A custom ``autograd.Function`` whose node was met: where its gradient is written down."""

    node: str  #: name of its nodes such as ``ScaleBackward``
    backward: int | None  #: the ``def`` line of its ``backward``
    returns: tuple[int, ...] = ()  #: the ``return`` statements in it


@dataclass(frozen=True, slots=True)
class GraphSeen(Event):
    """The structure of one autograd graph; stored once for all backwards with the same structure.

    Edges run as ``next_functions`` does, from the loss towards the leaves: ``(from, to, slot)``.
    """

    graph: int
    fingerprint: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int, int], ...]
    truncated: int = 0  #: nodes beyond the limit that were not recorded


@dataclass(frozen=True, slots=True)
class BackwardStarted(Event):
    """``backward()`` or ``autograd.grad`` was called."""

    step: int
    backward: int
    call: str  #: "backward" or "grad"
    graph: int | None  #: None when the root has no graph
    roots: tuple[int, ...]  #: node indices in the graph
    place: int | None = None
    retain_graph: bool = False
    create_graph: bool = False
    inputs: tuple[int, ...] | None = None  #: leaf keys of ``inputs=``, where given
    inside: int | None = None  #: the backward during which this one ran (reentrant checkpoint)
    root_requires_grad: bool = True
    root_is_leaf: bool = False  #: the loss itself was a leaf: ``loss.requires_grad = True``
    root_value: float | None = None  #: value of a scalar root
    root_shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BackwardEnded(Event):
    """A backward returned or raised; carries what was measured at the nodes."""

    step: int
    backward: int
    error: str | None = None
    #: per node of the graph, L2 norm in float32 of the gradient that flowed *into* the node
    #: (its grad outputs); None = not measured, or the node did not run. Empty: nothing measured.
    norms: tuple[float | None, ...] = ()
    #: node indices that ran, in order of execution, where recorded
    order: tuple[int, ...] = ()
    #: (node index, kind). "zero", "nan", "inf", "none": good gradients came in, bad ones went out. "forward": the
    #: first operation whose *value* was NaN or Inf; "data", "parameter": it read data or a parameter that was.
    culprits: tuple[tuple[int, str], ...] = ()
    sampled: bool = False  #: large gradients were sampled, not read whole
    source: int | None = None  #: for a "data" culprit: the line that made the NaN or Inf in the data


@dataclass(frozen=True, slots=True)
class GradAccumulated(Event):
    """``.grad`` of a leaf accumulated a gradient in a backward."""

    step: int
    backward: int
    leaf: int
    stale: bool = False  #: ``.grad`` still held a gradient that an optimizer step had already used


@dataclass(frozen=True, slots=True)
class GradComputed(Event):
    """``torch.autograd.grad`` returned a gradient for a leaf (nothing accumulated)."""

    step: int
    backward: int
    leaf: int


@dataclass(frozen=True, slots=True)
class GradMeasured(Event):
    """``.grad`` of a leaf as it stood at one moment."""

    step: int
    leaf: int
    #: "backward": as backward left it, before anyone touched it; "step": as the optimizer saw it
    when: str
    norm: float | None  #: L2, float32; None when ``.grad`` was None
    zero_share: float | None = None  #: share of elements that are exactly 0, in [0, 1]
    finite: bool | None = None
    optimizer: int | None = None  #: for when="step"
    values: Values = None  #: at most 64 elements: nested lists
    scale: float = 1.0  #: the GradScaler's scale still in the numbers


@dataclass(frozen=True, slots=True)
class GradTouched(Event):
    """``.grad`` was reset or changed outside autograd."""

    step: int
    leaf: int
    how: str  #: "cleared" (None or zeroed), "assigned", "changed" (in place or computed from itself, such as clipping)
    place: int | None = None
    function: str = ""  #: the library call that did it, such as ``zero_grad`` or ``clip_grad_norm_``


@dataclass(frozen=True, slots=True)
class HookRan(Event):
    """A user's hook on a leaf or module gave another gradient than it received."""

    step: int
    backward: int
    leaf: int
    before: float | None  #: norm that arrived
    after: float | None  #: norm that went on
    place: int | None = None  #: where the hook was registered
    hook: int | None = None  #: place of the hook's own code


@dataclass(frozen=True, slots=True)
class ValueMeasured(Event):
    """A leaf's value was compared across an optimizer step, or between steps."""

    step: int
    leaf: int
    changed: bool
    optimizer: int | None  #: the optimizer whose step lies between; None = changed outside any step
    update_norm: float | None = None  #: L2 of the change
    value_norm: float | None = None  #: L2 of the value before
    sampled: bool = False  #: compared at sampled positions: norms are estimates, ``changed=True`` is certain
    place: int | None = None  #: for a change outside: the line that wrote, where seen
    before: Values = None  #: at most 64 elements
    after: Values = None
    reverted: bool = False  #: outside change that put an earlier value back, or nearly so (undid the step)
    grad_based: bool = False  #: outside change whose source read ``.grad`` (a hand-written update)
    undone: int = 0  #: outside change: how many steps' work it took away; negative: brought back


@dataclass(frozen=True, slots=True)
class UpdateComputed(Event):
    """A leaf that no optimizer holds was added to what came from a gradient: a new value for it, kept or not."""

    step: int
    leaf: int
    place: int | None = None


@dataclass(frozen=True, slots=True)
class ReplicaDigests(Event):
    """Digests of the values that a step left, in a job of several ranks: equal where the replicas are."""

    step: int
    optimizer: int
    turn: int  #: steps of this optimizer so far
    leaves: tuple[int, ...]  #: parameters that this rank holds whole
    digests: tuple[int, ...]  #: one per leaf, 32 bits


# --------------------------------------------------------------------------- what was cut


@dataclass(frozen=True, slots=True)
class CutFound(Event):
    """Walking back from what a backward started from, the way to a leaf ended here.

    The leaf took part (its value reached the root of ``backward``), but the gradient path stops at ``op``.
    """

    step: int
    backward: int
    leaf: int
    #: "detach", "data", "no_grad", "inference_mode", "item", "numpy", "rewrap" (new tensor from numbers),
    #: "argmax", "comparison", "cast", "index", "round" (no derivative), "copy" (written into a tensor that
    #: does not require grad), "requires_grad" (switched off), "parameter" (re-wrapped in nn.Parameter),
    #: "checkpoint" (reentrant, no input requires grad), "none" (custom Function returned None),
    #: "marked" (custom Function marked its result as not differentiable),
    #: "saved" (written to a file and read back), "state_dict", "other"
    kind: str
    op: str  #: name of the function called
    place: int | None  #: the line of the cut
    block: int | None = None  #: the line of the ``no_grad`` / ``inference_mode`` around it
    reentry: int | None = None  #: the line where the value entered the graph of the root again
    certain: bool = True  #: False when the link went through numbers that could not be followed
    depth: int = 0  #: distance from the root: 0 = nearest


@dataclass(frozen=True, slots=True)
class OutputDropped(Event):
    """A leaf's module ran, but its result took no part in the root of any backward."""

    step: int
    leaf: int
    place: int | None  #: the last line that used the result
    op: str = ""
    returns: tuple[int, ...] = ()  #: places of the ``return`` statements that leave the result out
    scalar: bool = False  #: that line gives one number: a loss, or something to print


@dataclass(frozen=True, slots=True)
class TermDropped(Event):
    """One term of a sum that backward started from carries no graph although it came from parameters."""

    step: int
    backward: int
    place: int | None  #: the line where the term joins the loss
    cut: int | None  #: the line where its graph was cut
    op: str = ""
    leaves: tuple[int, ...] = ()


# --------------------------------------------------------------------------- notes


@dataclass(frozen=True, slots=True)
class ErrorRaised(Event):
    """The user's program, or PyTorch in it, raised; passed on unchanged."""

    step: int
    kind: str  #: exception class
    text: str  #: first 500 characters
    place: int | None = None  #: the user's line that raised
    because: int | None = None  #: the line that made it so, where known
    reason: str = ""  #: one sentence, where known


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """Something that was not recorded, and why; or a failure of the tracer itself."""

    text: str
