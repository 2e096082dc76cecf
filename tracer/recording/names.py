"""Names: which modules are roots, what their parameters are called, and which names moved to other tensors."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import LeafSeen, ModelSeen, ModuleSeen, NameRebound, OptimizerSeen
from tracer.recording.attributes import named_modules, unregistered
from tracer.recording.leaves import Leaf
from tracer.recording.places import Site, line_of
from tracer.recording.torch_compat import (
    gathered_parameters,
    is_gathering,
    without_torch_function,
    wrapped_module,
)
from tracer.recording.value_flow import move_at, scope_at
from tracer.recording.variables import names_of

if TYPE_CHECKING:
    from tracer.recording.session import Session

Module = torch.nn.Module


@dataclass(slots=True)
class Model:
    """One root module. The module itself is held weakly by its record in ``modules``."""

    key: int
    module: int  #: key of the root's ModuleInfo
    cls: str
    name: str = ""
    given: bool = False
    #: parameter name -> leaf key, as last seen
    bound: dict[str, int] = field(default_factory=dict)
    #: module path -> (module key, registered)
    paths: dict[str, tuple[int, bool]] = field(default_factory=dict)


class Names:
    """Keeps names up to date; looks again only after something was registered or met for the first time."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.dirty = True
        self.models: list[Model] = []
        #: (name, key of the ModuleInfo) of each model to follow; None = whatever runs
        self.given: list[tuple[str, int]] | None = None
        self._by_module: dict[int, Model] = {}
        self._sites: dict[int, Site | None] = {}
        self._attributes: dict[tuple[int, str], tuple[int, int]] = {}  # non-leaf: (id, step first seen)
        self._non_leaf: dict[int, int] = {}  # id of an underlying leaf -> leaf key of the attribute
        self._looks = 0
        self._replaced_sites: dict[int, Site | None] = {}
        self._gathering: list[weakref.ref[Module]] = []  #: modules whose parameters FSDP swaps while they run

    def give(self, models: list[tuple[str, Module]]) -> None:
        """Follow exactly these models."""
        self.given = [(name, self.session.modules.info(module).key) for name, module in models]

    # ------------------------------------------------------------------ when to look

    def before_backward(self, frame: FrameType | None) -> None:
        with without_torch_function():
            for ref in self._gathering:
                for gathered, sharded in gathered_parameters(ref()):
                    self.session.leaves.stand_in(gathered, sharded)
            if self.dirty:
                self.refresh()
        self._look(frame)

    def before_step(self, frame: FrameType | None) -> None:
        if self.dirty:
            self.refresh()
        self._look(frame)

    def _look(self, frame: FrameType | None) -> None:
        """Look for variable names in the first few backwards and steps, while something has none."""
        if self._looks > 40:
            return
        session = self.session
        wanted: dict[int, Any] = {}
        for model in self.models:
            module = session.modules.all[model.module].ref()
            if not model.name and module is not None:
                wanted[id(module)] = model
        for info in session.optimizers.all:
            optimizer = info.ref()
            if not info.name and optimizer is not None:
                wanted[id(optimizer)] = info
        for leaf, tensor in session.leaves.alive():
            if not leaf.name and (leaf.owned or leaf.accumulated):
                wanted[id(tensor)] = leaf
        if wanted:
            self._looks += 1
            for mark, name in names_of(wanted, frame).items():
                wanted[mark].name = name

    def parameter_registered(self, module: Module, name: str, parameter: Any, site: Site | None) -> None:
        """A parameter was registered: keep where, for the leaf that it is or becomes."""
        if isinstance(parameter, torch.Tensor):
            with without_torch_function():
                leaf = self.session.leaves.find(parameter)
                if leaf is None and parameter.is_leaf:
                    leaf = self.session.leaves.add(parameter, site)
                    info = self.session.modules.find(module)
                    leaf.module = None if info is None else info.key
                    leaf.local = name
                elif leaf is not None and leaf.made is None:
                    leaf.made = site

    def _name_loose(self) -> None:
        """Name parameters of modules that were built inside a forward and kept nowhere, once per line."""
        infos = self.session.modules.all
        known: set[tuple[int, str, str]] = set()
        paths = [self._path_of_each(model) for model in self.models]
        for leaf in self.session.leaves.all:
            info = None if leaf.module is None else infos[leaf.module]
            if leaf.model is not None or leaf.owned or info is None or info.loose is None:
                continue
            caller, variable = info.loose
            for model, path_of in zip(self.models, paths, strict=True):
                path = path_of.get(caller)
                if path is None:
                    continue
                mark = (caller, variable, leaf.local)
                leaf.kind = "hidden" if mark in known else "unregistered"
                known.add(mark)
                leaf.model = model.key
                leaf.name = ".".join(part for part in (path, variable, leaf.local) if part)
                break

    @staticmethod
    def _path_of_each(model: Model) -> dict[int, str]:
        """Return the first path of each module of a model, by module key."""
        found: dict[int, str] = {}
        for path, (key, _) in model.paths.items():
            found.setdefault(key, path)
        return found

    # ------------------------------------------------------------------ roots

    def refresh(self) -> None:
        """Find roots and walk their parameters; note names that moved to another tensor."""
        self._gathering = [weakref.ref(m) for m in self.session.modules.alive() if is_gathering(m)]
        roots = list(self._roots())
        claimed: set[int] = set()
        for model, module in roots:
            self._walk(model, module, claimed)
        self.dirty = False  # what was met for the first time on the way is named now
        self.session.stages.refresh()

    def _roots(self) -> Iterator[tuple[Model, Module]]:
        if self.given is not None:
            for name, key in self.given:
                module = self.session.modules.all[key].ref()
                if module is None:
                    continue
                model = self._model(module)
                model.given = True
                model.name = model.name or name
                yield model, module
            return
        alive = [module for module in self.session.modules.alive() if wrapped_module(module) is None]
        inside: set[int] = set()
        for module in alive:
            inside.update(id(child) for child in module._modules.values() if child is not None)
        tops = [m for m in alive if id(m) not in inside and self._holds_parameters(m)]
        held = self._held(tops)
        for module in tops:
            if id(module) not in held:
                yield self._model(module), module

    def _holds_parameters(self, module: Module) -> bool:
        return any(p is not None for _, m in named_modules(module) for p in m._parameters.values()) or any(
            True for _, thing in unregistered(module) if isinstance(thing, Module) or thing.requires_grad
        )

    def _held(self, tops: list[Module]) -> set[int]:
        """Return ids of modules that another root holds in a list, dict or object without registering them."""
        ids = {id(m) for m in tops}
        held: set[int] = set()
        for top in tops:
            for _, module in named_modules(top):
                for _, thing in unregistered(module):
                    if isinstance(thing, Module) and id(thing) in ids and thing is not top:
                        held.add(id(thing))
        return held if len(held) < len(tops) else set()

    def _model(self, module: Module) -> Model:
        info = self.session.modules.info(module)
        model = self._by_module.get(info.key)
        if model is None:
            model = Model(len(self.models), info.key, info.cls)
            self.models.append(model)
            self._by_module[info.key] = model
        return model

    # ------------------------------------------------------------------ parameters of one root

    def _walk(self, model: Model, root: Module, claimed: set[int]) -> None:
        bound: dict[str, int] = {}
        names: dict[int, list[str]] = {}
        stack: deque[tuple[str, Module, bool]] = deque([("", root, True)])
        seen_unregistered: set[int] = {id(root)}
        inside = {id(module) for _, module in named_modules(root)}  # the root holds them all: no id is reused
        while stack:
            base, top, registered = stack.popleft()
            for path, module in named_modules(top):
                full = f"{base}.{path}" if base and path else base or path
                info = self.session.modules.info(module)
                model.paths[full] = (info.key, registered)
                info.built = info.built or self.session.modules.built_at(module)
                for name, parameter in module._parameters.items():
                    if parameter is not None:
                        self._bind(
                            model,
                            f"{full}.{name}" if full else name,
                            parameter,
                            registered,
                            module,
                            bound,
                            names,
                        )
                for name, thing in unregistered(module):
                    where = f"{full}.{name}" if full else name
                    if isinstance(thing, Module):
                        if id(thing) not in seen_unregistered and id(thing) not in inside:
                            seen_unregistered.add(id(thing))
                            stack.append((where, thing, False))
                    elif thing.requires_grad:
                        self._attribute(model, where, thing, module, bound, names)
        self._settle(model, bound, names)

    def _bind(
        self,
        model: Model,
        name: str,
        tensor: torch.Tensor,
        registered: bool,
        module: Module,
        bound: dict[str, int],
        names: dict[int, list[str]],
    ) -> None:
        leaf = self.session.leaves.add(tensor)
        tensor = leaf.trained(tensor)
        bound[name] = leaf.key
        names.setdefault(leaf.key, []).append(name)
        if len(names[leaf.key]) > 1:
            if leaf.kind == "unregistered" and registered:
                leaf.kind = "parameter"
                names[leaf.key].insert(0, names[leaf.key].pop())  # the registered name is the one users know
            return
        leaf.kind = "parameter" if registered else "unregistered"
        leaf.module = self.session.modules.info(module).key
        if not registered:
            owner = self.session.modules.all[model.module].ref()
            built = self.session.modules.built_at(module, type(owner) if owner is not None else None)
            # For a bare tensor the line that made it tells more than the line that built its module.
            bare = all(tensor is not parameter for parameter in module._parameters.values())
            leaf.made = (leaf.made or built) if bare else (built or leaf.made)
        leaf.look(tensor)
        leaf.requires_grad = bool(tensor.requires_grad)
        self.session.values.first_seen(leaf, tensor)

    def _attribute(
        self,
        model: Model,
        name: str,
        tensor: torch.Tensor,
        module: Module,
        bound: dict[str, int],
        names: dict[int, list[str]],
    ) -> None:
        """An attribute that requires grad but is no registered parameter."""
        if tensor.is_leaf:
            self._bind(model, name, tensor, False, module, bound, names)
            return
        mark = (model.key, name)
        known = self._attributes.get(mark)
        if known is None or known[0] != id(tensor):
            self._attributes[mark] = (id(tensor), self.session.backwards.count)
            known = self._attributes[mark]
        hidden = self._orphans_behind(tensor)
        # Built before any backward, and nothing else than a parameter that no module registers is behind it.
        if hidden and known[1] == 0:
            leaf = self.session.leaves.add(tensor)
            leaf.kind = "non_leaf"
            leaf.module = self.session.modules.info(module).key
            sources = [self.session.leaves.find(t) for t in hidden]
            leaf.made = (
                leaf.made or next((s.made for s in sources if s is not None and s.made), None) or self._made_at(tensor)
            )
            bound[name] = leaf.key
            names.setdefault(leaf.key, []).append(name)
            for source in sources:
                if source is not None:
                    source.kind = "hidden"

    def _made_at(self, tensor: torch.Tensor) -> Site | None:
        from tracer.recording.torch_compat import node_sequence

        made = self.session.origins.function_at(node_sequence(tensor.grad_fn))
        return None if made is None else (made[2], made[3])

    def _orphans_behind(self, tensor: torch.Tensor) -> list[torch.Tensor]:
        """Return the leaves behind a computed tensor if it is a mere conversion of unregistered ones."""
        found: list[torch.Tensor] = []
        stack, count = [tensor.grad_fn], 0
        while stack:
            node = stack.pop()
            if node is None:
                continue
            count += 1
            if count > 8:
                return []
            variable = getattr(node, "variable", None)
            if variable is not None:
                found.append(variable)
            stack.extend(n for n, _ in node.next_functions)
        for variable in found:
            leaf = self.session.leaves.add(variable)
            if leaf.kind not in ("orphan", "hidden") or leaf.owned:
                return []
        return found

    def _settle(self, model: Model, bound: dict[str, int], names: dict[int, list[str]]) -> None:
        leaves = self.session.leaves.all
        for name, key in bound.items():
            old = model.bound.get(name)
            if old is not None and old != key:
                site = self._replaced_at(model, name)
                self.session.emit(
                    NameRebound(self.session.step, model.key, name, old, key, self.session.places.key(site))
                )
                previous = leaves[old]
                if previous.name == name and previous.model == model.key:
                    previous.kind = "orphan"
        model.bound.update(bound)
        for key, known in names.items():
            leaf = leaves[key]
            if leaf.model is None or leaf.model == model.key or leaf.kind == "unregistered":
                leaf.model, leaf.name, leaf.aliases = model.key, known[0], tuple(known[1:])

    def _replaced_at(self, model: Model, name: str) -> Site | None:
        """Return where the latest registration along a parameter's path happened."""
        module: Any = self.session.modules.all[model.module].ref()
        latest: tuple[int, Site | None] = (-1, None)
        for part in name.split("."):
            if module is None:
                break
            known = self.session.modules.registered.get((id(module), part))
            if known is not None and known[0] > latest[0]:
                latest = known
            module = dict(module._modules.items()).get(part)
        return latest[1]

    # ------------------------------------------------------------------ at the end

    def introduce(self) -> list[Any]:
        """Return the events that introduce models, modules, leaves and optimizers: the head of the trace."""
        session = self.session
        self._name_loose()
        shown = [model for model in self.models if self._matters(model)]
        events: list[Any] = []
        for model in shown:
            info = session.modules.all[model.module]
            place = session.places.key(info.built)
            events.append(ModelSeen(model.key, model.name or model.cls, model.cls, place))
        for model in shown:
            for path, (key, registered) in model.paths.items():
                info = session.modules.all[key]
                place = session.places.key(info.built)
                events.append(ModuleSeen(key, model.key, path, info.cls, registered, place, info.calls))
        keys = {model.key for model in shown}
        events.extend(self._leaf_event(leaf) for leaf in session.leaves.all if self._told(leaf, keys))
        events.extend(
            OptimizerSeen(known.key, known.name or known.cls, known.cls, session.places.key(known.made))
            for known in session.optimizers.all
        )
        events.extend(session.stages.introduce())
        return events

    def _matters(self, model: Model) -> bool:
        if model.given:
            return True
        infos = self.session.modules.all
        if any(infos[key].calls for key, _ in model.paths.values()):
            return any(key for key in model.bound.values()) or bool(model.bound)
        leaves = self.session.leaves.all
        return any(leaves[key].owned or leaves[key].accumulated for key in model.bound.values())

    def _told(self, leaf: Leaf, models: set[int]) -> bool:
        if leaf.kind == "hidden":
            return False
        if leaf.model is not None and leaf.model in models:
            return leaf.kind != "orphan" or leaf.owned
        return leaf.owned or leaf.accumulated > 0

    def _leaf_event(self, leaf: Leaf) -> LeafSeen:
        kind = leaf.kind
        if leaf.model is None and kind == "orphan":
            kind = "orphan" if not leaf.name and leaf.owned else "unregistered" if leaf.owned else "input"
        name = leaf.name or _called_in_source(leaf) or f"tensor{leaf.key}"
        return LeafSeen(
            leaf.key, leaf.model, name, leaf.aliases, leaf.shape, leaf.dtype,
            leaf.device, leaf.requires_grad, kind, self.session.places.key(leaf.made), leaf.module,
            leaf.local_shape, leaf.placement, leaf.role, leaf.asked, leaf.copy_of,
        )  # fmt: skip


def _called_in_source(leaf: Leaf) -> str:
    """Return what the line that made a leaf calls it; of a module's: with the variable, else the function, that has it.

    For ``gain = nn.Parameter(x)`` ``gain``, for a ``return nn.Linear(8, 8)`` in ``proj`` ``proj.weight``.
    """
    if leaf.made is None:
        return ""
    holder = _assigned(leaf.made)
    if not leaf.local or leaf.local == holder:
        return holder
    return f"{holder or leaf.made[0].co_name}.{leaf.local}"


def _assigned(made: Site) -> str:
    """Return the variable that a line assigns; '' where it is none or several."""
    line = line_of(made)
    scope = scope_at(made[0].co_filename, line)
    move = None if scope is None else move_at(scope, line)
    name = next(iter(move.sets)).lstrip(".") if move is not None and len(move.sets) == 1 else ""
    return name if name.isidentifier() else ""
