"""Calls of ``backward`` and ``autograd.grad``: wraps the one door through which both enter the engine."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import BackwardEnded, BackwardStarted, ErrorRaised, GradComputed, Noted
from tracer.recording import nodes
from tracer.recording.complaints import UNNUMBERED, cause_of
from tracer.recording.forward_values import first_bad_forward
from tracer.recording.leaves import Leaf, shape_of
from tracer.recording.mailbox import Later, now, together
from tracer.recording.measure import fetch, plain, readable
from tracer.recording.nodes import Plan, Walk, Watch
from tracer.recording.places import Site, user_site
from tracer.recording.torch_compat import engine_owners, is_capturing, without_torch_function

if TYPE_CHECKING:
    from tracer.recording.session import Session


class Backwards:
    """Numbers backward calls, records what they start from and what they did."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.count = 0
        self.reached: set[int] = set()  #: keys of leaves in the graph of any accumulating backward
        self._went_bad = False  #: NaN or Inf was in a forward pass and seen too late: from now on it is waited for
        self.outermost = 0  #: calls of ``backward`` that ran inside no other
        self.current = -1
        self._depth: list[int] = []
        self._graphs: dict[str, int] = {}
        self._plans: dict[str, Plan] = {}
        self._resolved: dict[tuple[str, int], int] = {}
        self._freed: deque[tuple[set[int], Site | None]] = deque(maxlen=4)

    @property
    def running(self) -> bool:
        """Whether a backward is running now."""
        return bool(self._depth)

    def patches(self) -> list[tuple[Any, str, Callable[..., Any]]]:
        """Return (owner, name, replacement) for each name under which the engine is looked up."""
        return [(owner, name, self._wrap(getattr(owner, name))) for owner, name in engine_owners()]

    def _wrap(self, engine: Callable[..., Any]) -> Callable[..., Any]:
        def run(t_outputs: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
            if self.session.paused:
                return self._unseen(engine, t_outputs, args, kwargs)
            if is_capturing() or not self.session.here("ran backward: its graph and cuts are missing"):
                self.session.guard(self.session.accumulation.back_to_hooks)
                return engine(t_outputs, *args, **kwargs)
            return self._run(engine, t_outputs, args, kwargs)

        return run

    def _unseen(self, engine: Callable[..., Any], outputs: Sequence[Any], args: Any, kwargs: Any) -> Any:
        """Steps pass unseen; an optimizer that steps inside a backward may have asked for it to end."""
        try:
            return engine(outputs, *args, **kwargs)
        finally:
            if self.session.present():
                self.session.guard(self.session.sampling.go_on)

    def _run(self, engine: Callable[..., Any], outputs: Sequence[Any], args: Any, kwargs: Any) -> Any:
        session = self.session
        depth = len(self._depth)
        call: _Call | None = None
        try:
            call = session.guard(self._start, outputs, args, kwargs)
            with session.guard(session.mode_again) or nullcontext():
                result = engine(outputs, *args, **kwargs)
        except BaseException as problem:
            session.guard(self._end, call, problem, None)
            raise
        else:
            session.guard(self._end, call, None, result)
            return result
        finally:
            del self._depth[depth:]  # also when our own part failed half-way
            if not depth:
                session.progress()

    # ------------------------------------------------------------------ start

    def _start(self, outputs: Sequence[Any], args: Any, kwargs: Any) -> _Call:
        session = self.session
        session.settled.interrupt()  # by a backward inside a forward
        if session.mode.quiet:
            session.step_broke_off()
        if session.grads.pending and not self._depth:
            session.grads.measure_pending()
        if self._depth:
            session.accumulation.back_to_hooks()
        session.maybe_next_step()
        retain, create, inputs = _options(args, kwargs)
        accumulates = bool(kwargs.get("accumulate_grad", args[5] if len(args) > 5 else False))
        number, self.count = self.count, self.count + 1
        if accumulates and not self._depth:
            self.outermost += 1
        call = _Call(number, accumulates, user_site(sys._getframe(3)))
        self._depth.append(number)
        self.current = number
        session.names.before_backward(sys._getframe(3))
        with without_torch_function():
            tensors = [t for t in outputs if isinstance(t, torch.Tensor)]
            roots = [t.grad_fn if isinstance(t, torch.Tensor) else t.node for t in outputs]
            session.guard(self._walk, call, tensors, roots)
            if call.graph is None:  # also when our own part failed
                session.accumulation.back_to_hooks()
            call.inputs = [t for t in inputs if isinstance(t, torch.Tensor)]
            wanted = [session.leaves.find(t) for t in call.inputs]
            root, shape = _root(tensors)
            started = BackwardStarted(
                session.step, number, "backward" if accumulates else "grad", call.graph,
                call.walk.roots if call.walk and call.graph is not None else (), session.places.key(call.site),
                retain, create,
                tuple(leaf.key for leaf in wanted if leaf is not None) if inputs else None,
                self._depth[-2] if len(self._depth) > 1 else None,
                any(t.requires_grad for t in tensors) or len(tensors) < len(outputs),
                any(t.is_leaf and t.requires_grad for t in tensors), None, shape,
            )  # fmt: skip
            session.mail.post(self._started(started, root))
            if not any(roots) and accumulates:
                self._resolve_detached(call, outputs)
        session.cut_side.dark.forget_extractions() if accumulates else None
        return call

    def _walk(self, call: _Call, tensors: list[torch.Tensor], roots: list[Any]) -> None:
        if not any(root is not None for root in roots):
            return
        session = self.session
        walk = call.walk = Walk(roots)
        for i, variable in walk.variables.items():
            leaf = session.leaves.find(variable)
            if leaf is None and (
                isinstance(variable, torch.nn.Parameter) or (call.accumulates and self._follows(variable))
            ):
                leaf = session.leaves.add(variable)
            if leaf is not None:
                call.leaf_of[i] = leaf
                session.follow(leaf, variable)
                if leaf.trained(variable).grad is None:
                    leaf.used = leaf.zeroed = False
        if call.accumulates:
            self.reached.update(leaf.key for leaf in call.leaf_of.values())
        self._identify(call, walk)
        if call.accumulates and len(self._depth) == 1:
            followed = [(leaf, walk.variables[i]) for i, leaf in call.leaf_of.items()]
            session.accumulation.before(followed, known=call.repeats)
        self._watch(call, walk)
        self._resolve(call, walk)
        scalars = [root for t in tensors if (root := _scalar(t)) is not None and root.is_floating_point()]
        session.mail.post(self._look_at_forward(call, scalars))

    def _look_at_forward(self, call: _Call, roots: list[torch.Tensor]) -> Later[None]:
        """Find where NaN or Inf began, while what nodes saved is there; else note that it began."""
        session, walk = self.session, call.walk
        delayed = session.mail.delays(roots)
        work = together(session.modules.outputs.any_bad(), fetch(roots))
        roots = []
        if delayed and not self._went_bad:
            walk = None
        eager = delayed and walk is not None  # the run is broken anyway: finding where is worth a wait
        outputs, values = now(work) if eager else (yield from work)
        bad_root = not all(math.isfinite(value) for value in values)
        if not outputs and not bad_root:
            return
        if walk is not None:
            first_bad_forward(session, walk, call, bad_root)
            if delayed:
                # by now the weights may be bad because of what came first
                call.culprits = tuple(culprit for culprit in call.culprits if culprit[1] != "parameter")
            return
        self._went_bad = session.alarmed = True
        session.plain.alarm()
        session.note_once(
            "where NaN or Inf first began in the forward pass was not looked for: numbers of a GPU are read one step "
            "later, when what the operations saved is gone; from then on it is looked for"
        )

    def _started(self, event: BackwardStarted, root: torch.Tensor | None) -> Later[None]:
        work = fetch([] if root is None else [root])
        root = None
        values = yield from work
        self.session.emit(replace(event, root_value=values[0] if values else None))

    def _follows(self, bare: torch.Tensor) -> bool:
        """Tell whether a leaf that is no parameter is followed: one of a kind, and no buffer of a pipeline's."""
        return self.session.leaves.persists(bare, self.outermost) and not self.session.stages.is_input(bare)

    def _identify(self, call: _Call, walk: Walk) -> None:
        keys = {i: leaf.key for i, leaf in call.leaf_of.items()}
        site = call.site
        mark = None if site is None else (site[0].co_filename, site[0].co_firstlineno, site[1])
        call.fingerprint = walk.fingerprint(keys, mark)
        if self.session.settled.backward(walk.seqs, known=call.fingerprint in self._graphs):
            call.fingerprint += "?"  # when it comes again its lines are known: then it is another
            self.session.emit(Noted(f"step {self.session.step}: {_UNSEEN}"))
        known = self._graphs.get(call.fingerprint)
        call.repeats = known is not None
        if known is None:
            known = self._graphs[call.fingerprint] = len(self._graphs)
            self.session.sampling.new_graph()
            self.session.emit(nodes.describe(self.session, walk, known, call.fingerprint, call.leaf_of))
        call.graph = known

    def _watch(self, call: _Call, walk: Walk) -> None:
        session = self.session
        whole = session.detail == "full" or session.alarmed
        call.watch = Watch(session, walk, call.leaf_of, whole=whole)
        if session.detail != "graph":
            call.watch.measure(walk, self._watched(call, len(walk.nodes), call.watch))
        if session.detail != "graph":
            hooked = [i for i, leaf in call.leaf_of.items() if session.hooks.arm(leaf, walk.variables[i])]
            call.watch.measure_hooked(walk, hooked)

    def _watched(self, call: _Call, count: int, watch: Watch) -> Sequence[int]:
        """Return the nodes to watch: all, or those of the plan that an earlier backward of this graph left."""
        if self.session.detail == "full" or self.session.alarmed:
            return range(count)
        plan = self._plans.get(call.fingerprint)
        if plan is not None:
            plan = self._plans[call.fingerprint] = plan._replace(turn=plan.turn + 1)
        if plan is None or plan.whole():
            call.plans = True
            return range(0, count, 1 + count // nodes.FIRST)
        watch.expected = plan.ran
        call.large = plan.large
        return plan.nodes

    def _resolve(self, call: _Call, walk: Walk) -> None:
        """Look for cuts when a followed leaf is out of reach; the same graph again is not searched again."""
        session = self.session
        mark = (call.fingerprint, len(session.leaves.all))
        turns = self._resolved.get(mark, 0)
        if turns >= 3 or not call.accumulates:
            return
        self._resolved[mark] = turns + 1
        if session.cut_side.joins.lit:
            reached = {leaf.key for leaf in call.leaf_of.values()}
            session.cut_side.borders.resolve(call.number, walk.seqs, reached)
            session.cut_side.borders.resolve_terms(call.number, 0, walk.seqs, walk.names, walk.edges)

    def _resolve_detached(self, call: _Call, outputs: Sequence[Any]) -> None:
        """The root has no graph: the records behind the root itself tell why."""
        side = self.session.cut_side
        found = [side.dark.get(t) for t in outputs if isinstance(t, torch.Tensor)]
        records = [record for record in found if record is not None]
        records = records or side.recognition.by_source(call.site, sys._getframe(4))
        side.joins.lit[-1] = [(record, call.site) for record in records]
        side.borders.resolve(call.number, [-1], set())
        del side.joins.lit[-1]

    # ------------------------------------------------------------------ end

    def _end(self, call: _Call | None, problem: BaseException | None, result: Any) -> None:
        if call is None:
            return
        session = self.session
        if self._depth:
            self._depth.pop()
        self.current = self._depth[-1] if self._depth else call.number
        with without_torch_function():
            if not self._depth:
                session.accumulation.after()
            if call.watch is not None:
                call.watch.close()
            session.mail.post(self._ended(call, problem))
        if problem is not None:
            self._explain(call, problem)
        elif not call.accumulates:
            self._computed(call, result)
        if call.walk is not None and len(call.walk.seqs) <= 200_000:
            self._freed.append((set(call.walk.seqs[:200_000]) - UNNUMBERED, call.site))

    def _ended(self, call: _Call, problem: BaseException | None) -> Later[None]:
        session, step = self.session, self.session.step
        walk, watch = call.walk, call.watch
        seqs = [] if walk is None else walk.seqs
        seen = () if watch is None or walk is None or call.graph is None else tuple(watch.order)
        hooked, before_nodes = session.hooks.node_norms(seqs if seen else [])
        keys, around_leaves = session.hooks.leaf_norms()
        measured = fetch([]) if watch is None or not seen else watch.norms(len(seqs))
        works = together(measured, before_nodes, around_leaves)
        text = None if problem is None else f"{type(problem).__name__}: {problem}"[:500]
        failed, problem = problem is not None, None
        if walk is not None:
            walk.forget()  # nothing of the user's is held while the numbers are on their way
        norms, befores, values = yield from works
        culprits: tuple[tuple[int, str], ...] = ()
        if watch is not None and walk is not None and call.graph is not None:
            culprits = call.culprits
            if seen:
                culprits += watch.culprits(norms, walk)
                if call.plans and not failed:
                    turn = self._plans[call.fingerprint].turn if call.fingerprint in self._plans else 1
                    self._plans[call.fingerprint] = watch.plan(walk)._replace(turn=turn)
            if norms:
                session.hooks.nodes_ended(step, call.number, hooked, befores, norms, call.leaves_below)
                session.module_hooks.backward_ended(step, call.number, walk, norms, culprits, call.leaves_below)
        session.hooks.backward_ended(step, call.number, keys, values)
        session.emit(
            BackwardEnded(
                step, call.number, text, tuple(norms), seen, culprits, bool(watch and (watch.large or call.large)),
                session.places.key(call.source),
            )
        )  # fmt: skip

    def _computed(self, call: _Call, result: Any) -> None:
        session = self.session
        for tensor, grad in zip(call.inputs, result if isinstance(result, tuple) else (), strict=False):
            leaf = session.leaves.find(tensor)
            if leaf is not None and grad is not None:
                session.emit(GradComputed(session.step, call.number, leaf.key))

    def _explain(self, call: _Call, problem: BaseException) -> None:
        session = self.session
        text = str(problem)
        because, reason = cause_of(session, text, call.walk, self._freed)
        session.emit(
            ErrorRaised(
                session.step, type(problem).__name__, text[:500], session.places.key(call.site),
                session.places.key(because), reason,
            )
        )  # fmt: skip
        session.told_errors.add(id(problem))


_UNSEEN = (
    "a graph that was not seen before, after many steps that were all the same, and so while torch functions were "
    "not watched; the lines of its operations are missing, and are watched from the next step on"
)


class _Call:
    """One running backward."""

    __slots__ = (
        "accumulates",
        "culprits",
        "fingerprint",
        "graph",
        "inputs",
        "large",
        "leaf_of",
        "number",
        "plans",
        "repeats",
        "site",
        "source",
        "walk",
        "watch",
    )

    def __init__(self, number: int, accumulates: bool, site: Site | None) -> None:
        self.number = number
        self.accumulates = accumulates
        self.site = site
        self.walk: Walk | None = None
        self.watch: Watch | None = None
        self.graph: int | None = None
        self.fingerprint = ""
        self.leaf_of: dict[int, Leaf] = {}
        self.inputs: list[torch.Tensor] = []
        self.culprits: tuple[tuple[int, str], ...] = ()
        self.repeats = False  #: the same graph came before
        self.plans = False  #: every node is watched, and what it shows decides what is watched next time
        self.large = False  #: some gradients are too large to be measured at this detail
        self.source: Site | None = None  #: where bad data was made

    def leaves_below(self, start: int) -> list[int]:
        """Return the keys of the leaves that the gradient of a node flows on to."""
        following: dict[int, list[int]] = {}
        for source, target, _ in self.walk.edges if self.walk else ():
            following.setdefault(source, []).append(target)
        stack, seen = [start], {start}
        for i in stack:  # grows while it is read
            for target in following.get(i, ()):
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
        return [self.leaf_of[i].key for i in stack if i in self.leaf_of]


def _options(args: Any, kwargs: Any) -> tuple[bool, bool, tuple[Any, ...]]:
    """Return retain_graph, create_graph and inputs from the engine's positional arguments."""
    retain = bool(args[1]) if len(args) > 1 else False
    create = bool(args[2]) if len(args) > 2 else False
    inputs = args[3] if len(args) > 3 and args[3] else ()
    return retain, create, tuple(inputs)


def _root(tensors: list[torch.Tensor]) -> tuple[torch.Tensor | None, tuple[int, ...]]:
    """Return what backward starts from, when it is one number that can be read, and its shape."""
    if not tensors:
        return None, ()
    return _scalar(tensors[0]), shape_of(tensors[0])


def _scalar(tensor: torch.Tensor) -> torch.Tensor | None:
    if tensor.numel() != 1 or tensor.is_complex() or not readable(tensor):
        return None
    if any(placement.is_partial() for placement in getattr(tensor, "placements", ())):
        return None  # this rank's part of a sum
    local = plain(tensor)
    return local.reshape(()) if local.numel() == 1 else None
