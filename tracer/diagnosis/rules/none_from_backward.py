"""The graph reaches the parameter, but a custom Function's backward returned None for it.

``torch.autograd.Function.backward`` must return one gradient per input of ``forward``; ``None`` says "no
gradient", and autograd stops there without a word. It is right for indices and flags, and a mistake for a
tensor that should train. ``ctx.needs_input_grad`` tells which inputs want one.

Fix: return the gradient of that input in the Function's ``backward``.

Source: https://docs.pytorch.org/docs/stable/notes/extending.html#extending-torch-autograd
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.culprits import graph_of, op_of, walk_down, written_lines
from tracer.diagnosis.evidence import missed_by
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, made_lines, text_of, times
from tracer.diagnosis.saying import found
from tracer.events import BackwardEnded, BackwardStarted, GradAccumulated, GraphSeen, Node

CODE = "TR207"
NAME = "none_from_backward"
REQUIRES = (GraphSeen, BackwardStarted, BackwardEnded, GradAccumulated)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if not missed_by(leaf, facts):
        return None
    cuts = [cut for cut in leaf.cuts if cut.kind == "none"]
    ran = [key for key in leaf.reached if _ran_whole(facts, key)]
    if not cuts and not ran:
        return None
    count = times(len(ran) or len(cuts), "backward")
    if cuts:
        name, place, certain = cuts[0].op, cuts[0].place, cuts[0].certain
    else:
        node = _stopped_at(leaf, facts, ran[0])
        if node is None:
            return None
        name, place, certain = op_of(node), node.place, False
    message = (
        f"the graph of {count} reaches it, but the backward of {name or 'a custom Function'}"
        f"{text_of(facts, place, ', used at ')}, returned None for it"
    )
    fix = f"return the gradient of that input in the backward of {name or 'the Function'} instead of None"
    lines = (line for cut in cuts for line in line_at(facts, cut.place, "cut", cut.op))
    starts = (line for key in ran[:1] for line in line_at(facts, facts.backwards[key].place, "backward"))
    written = written_lines(facts, f"{name}Backward")
    where = (*lines, *line_at(facts, place, "cut", name), *written, *made_lines(facts, leaf), *starts)
    return found(NAME, leaf, message, fix, where, certain=certain)


def _ran_whole(facts: Facts, key: int) -> bool:
    """Tell whether a backward was free to reach every leaf of its graph, and ended without an error."""
    started, ended = facts.backwards[key], facts.ended.get(key)
    return started.call == "backward" and started.inputs is None and ended is not None and not ended.error


def _stopped_at(leaf: LeafFacts, facts: Facts, key: int) -> Node | None:
    """Return a custom Function's node on the way from the root to the leaf."""
    graph = graph_of(facts, key)
    if graph is None:
        return None
    for index in walk_down(facts, graph, facts.backwards[key].roots):
        node = graph.nodes[index]
        custom = node.leaf is None and node.name.endswith("Backward") and "::" not in node.name
        if custom and any(graph.nodes[i].leaf == leaf.leaf for i in walk_down(facts, graph, [index])):
            return node
    return None


def _train(torch: Any, give: bool) -> None:
    class Scale(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, by: Any) -> Any:
            ctx.save_for_backward(x, by)
            return x * by

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            x, by = ctx.saved_tensors
            return grad * by, (grad * x).sum() if give else None

    torch.manual_seed(0)
    net, by = torch.nn.Linear(3, 1), torch.nn.Parameter(torch.tensor(2.0))
    optimizer = torch.optim.SGD([*net.parameters(), by], lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        Scale.apply(net(torch.randn(8, 3)), by).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, give=False)


def good(torch: Any) -> None:
    _train(torch, give=True)
