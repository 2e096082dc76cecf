"""What a folded view is made of: boxes, links between them, and the module clusters around them."""

from __future__ import annotations

from dataclasses import dataclass, field

#: A place in the module tree: ("0:net", "encoder", "0"); () is outside all modules.
Path = tuple[str, ...]
#: A param group: (optimizer key, number of the group).
Group = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LeafState:
    """How one leaf is shown; made by whoever knows its verdict."""

    name: str
    shape: tuple[int, ...]
    word: str  #: "updated", "frozen", "no gradient: cut", ...
    severity: str  #: "ok", "info", "warning", "error"; "static" where nothing ran
    frozen: bool = False
    norm: float | None = None  #: of its last gradient
    tooltip: str = ""
    optimizers: tuple[str, ...] = ()  #: labels of the param groups that hold it
    #: what went wrong, told by the shape: "none" (no gradient came), "idle" (it came, the value did not follow),
    #: "bad" (the gradient itself is wrong); "" where nothing did
    family: str = ""
    facts: tuple[str, ...] = ()  #: a few words each: "grad 256", "unchanged"
    lines: frozenset[tuple[str, int]] = frozenset()  #: file and line of what the diagnosis blames; empty: no telling

    @property
    def sick(self) -> bool:
        """Whether it must be seen in every picture."""
        return self.severity in ("warning", "error")

    @property
    def look(self) -> str:
        """The severity, or "frozen"."""
        return "frozen" if self.frozen else self.severity


@dataclass(slots=True)
class Row:
    """One line of a box that shows several leaves: one leaf by name, or so many of one state."""

    word: str
    look: str
    family: str = ""
    leaf: int | None = None
    name: str = ""
    shape: str = ""
    count: int = 1
    groups: set[Group] = field(default_factory=set)
    tooltip: str = ""


@dataclass(slots=True)
class Box:
    """One visible node."""

    key: str  #: unique and stable; also the id in the SVG
    kind: str  #: "op", "run", "module", "card", "leaf", "loss", "cut", "optimizer"
    label: list[str]  #: lines, the first in bold
    path: Path = ()  #: cluster that holds it
    state: str = "ok"  #: severity, "frozen", or "static" where nothing ran
    tooltip: list[str] = field(default_factory=list)
    count: int = 1  #: ops or leaves folded into it
    copies: int = 1  #: equal modules that it stands for
    low: float | None = None  #: least and greatest gradient norm inside
    high: float | None = None
    mark: str = ""  #: "zero", "nan", ... when the culprit is inside
    beside: str = ""  #: behind the first line, in grey: a shape, a class
    family: str = ""  #: as in ``LeafState``
    rows: list[Row] = field(default_factory=list)
    groups: set[Group] = field(default_factory=set)  #: param groups that hold what it shows

    def widen(self, norm: float | None) -> None:
        """Take a gradient norm into the range."""
        if norm is None or norm != norm:
            return
        self.low = norm if self.low is None else min(self.low, norm)
        self.high = norm if self.high is None else max(self.high, norm)


@dataclass(slots=True)
class Link:
    """One visible edge, drawn the way values run: from a leaf towards the loss."""

    tail: str
    head: str
    #: "flow", "cut" (no gradient comes back), "idle" (takes part without asking for a gradient) or
    #: "holds" (from an optimizer)
    kind: str = "flow"
    norm: float | None = None  #: greatest gradient norm that passed against it
    label: str = ""
    count: int = 1
    group: Group | None = None  #: for "holds"
    into: Path | None = None  #: for "holds": ends at this cluster's border


@dataclass(slots=True)
class Cluster:
    """The frame around an open module."""

    title: str
    beside: str = ""
    tooltip: str = ""


@dataclass(slots=True)
class View:
    """The folded graph."""

    boxes: dict[str, Box] = field(default_factory=dict)
    links: dict[tuple[str, str, str], Link] = field(default_factory=dict)
    clusters: dict[Path, Cluster] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    leaf_boxes: dict[int, str] = field(default_factory=dict)  #: leaf key -> key of the box that shows it
    groups: dict[Group, int] = field(default_factory=dict)  #: param group -> number of its sign and colour
    detailed: bool = True  #: small enough for every leaf and operation to have a box

    def link(self, tail: str, head: str, kind: str, norm: float | None = None, label: str = "") -> Link | None:
        """Add an edge, or widen the one that is there; return it. None for a loop."""
        if tail == head:
            return None
        known = self.links.get((tail, head, kind))
        if known is None:
            known = self.links[tail, head, kind] = Link(tail, head, kind, norm, label)
            return known
        known.count += 1
        if norm is not None and norm == norm:
            known.norm = norm if known.norm is None else max(known.norm, norm)
        return known
