"""What a folded view is made of: boxes, links between them, and the module clusters around them."""

from __future__ import annotations

from dataclasses import dataclass, field

#: A place in the module tree: (model, "encoder", "0"); () is outside all modules.
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeafState:
    """How one leaf is shown; made by whoever knows its verdict."""

    name: str
    shape: tuple[int, ...]
    word: str  #: "updated", "frozen", "cut", ...
    severity: str  #: "ok", "info", "warning", "error"; "static" where nothing ran
    frozen: bool = False
    norm: float | None = None  #: of its last gradient
    tooltip: str = ""
    optimizers: tuple[str, ...] = ()  #: labels of the param groups that hold it


@dataclass(slots=True)
class Box:
    """One visible node."""

    key: str  #: unique and stable; also the id in the SVG
    kind: str  #: "op", "run", "module", "leaf", "loss", "optimizer"
    label: list[str]  #: lines
    path: Path = ()  #: cluster that holds it
    state: str = "ok"  #: severity, "frozen", or "static" where nothing ran
    tooltip: list[str] = field(default_factory=list)
    count: int = 1  #: ops or leaves folded into it
    low: float | None = None  #: least and greatest gradient norm inside
    high: float | None = None
    mark: str = ""  #: "zero", "nan", ... when the culprit is inside

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
    kind: str = "flow"  #: "flow", "cut" or "holds" (optimizer and leaf)
    norm: float | None = None  #: greatest gradient norm that passed against it
    label: str = ""
    count: int = 1


@dataclass(slots=True)
class View:
    """The folded graph."""

    boxes: dict[str, Box] = field(default_factory=dict)
    links: dict[tuple[str, str, str], Link] = field(default_factory=dict)
    clusters: dict[Path, str] = field(default_factory=dict)  #: path -> title
    notes: list[str] = field(default_factory=list)
    leaf_boxes: dict[int, str] = field(default_factory=dict)  #: leaf key -> key of the box that shows it

    def link(self, tail: str, head: str, kind: str, norm: float | None = None, label: str = "") -> None:
        """Add an edge, or widen the one that is there."""
        if tail == head:
            return
        known = self.links.get((tail, head, kind))
        if known is None:
            self.links[tail, head, kind] = Link(tail, head, kind, norm, label)
            return
        known.count += 1
        if norm is not None and norm == norm:
            known.norm = norm if known.norm is None else max(known.norm, norm)
