"""What TR202, TR203 and TR206 share: the cuts of a leaf as sentence, fix and lines."""

from __future__ import annotations

from tracer.diagnosis.evidence import NO_DERIVATIVE, cuts_of, missed_by
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Where
from tracer.diagnosis.lines import line_at, text_of
from tracer.events import CutFound, OutputDropped

#: kind -> how the sentence says it; ``{op}`` is the function called.
_SAID = {
    "detach": "{op}() gives a tensor without history",
    "data": ".data gives a tensor without history",
    "no_grad": "{op} ran under no_grad, which records nothing",
    "inference_mode": "{op} ran under inference_mode, which records nothing",
    "item": "{op}() turns the tensor into a Python number",
    "numpy": "the value went through NumPy ({op}), which keeps no history",
    "rewrap": "{op} makes a new tensor from the numbers, without history",
    "copy": "{op} writes it into a tensor that does not require grad",
    "requires_grad": "requires_grad was switched off on a result ({op})",
    "parameter": "nn.Parameter makes a new leaf of the value, without history",
    "saved": "the value was saved and loaded again ({op}), which keeps no history",
    "state_dict": "the value went through state_dict, which detaches",
    "checkpoint": "reentrant checkpointing got no input that requires grad, so it built no graph",
    "argmax": "{op} returns positions, which have no derivative",
    "comparison": "{op} returns truth values, which have no derivative",
    "cast": "{op} gives integers or truth values, which have no derivative",
    "index": "it was used as an index ({op}), which has no derivative",
    "round": "{op} has no derivative that autograd follows",
    "marked": "{op} marks its result as not differentiable",
}
_FIXES = {
    "detach": "drop the detach{at}, or detach only where the gradient is not wanted",
    "data": "use the tensor itself instead of .data{at}",
    "no_grad": "compute it outside the no_grad block{block}",
    "inference_mode": "compute it outside the inference_mode block{block}",
    "item": "keep the tensor{at}; call .item() only for logging",
    "numpy": "do this step with torch operations instead of NumPy{at}",
    "rewrap": "use the tensor itself, or torch.stack and torch.cat for several, instead of a new tensor{at}",
    "copy": "build the result from the pieces with torch.cat or torch.stack instead of writing into a tensor{at}",
    "requires_grad": "do not switch requires_grad off{at}",
    "parameter": "use the computed tensor itself instead of wrapping it in nn.Parameter{at}",
    "saved": "use the tensor itself instead of what was saved{at}",
    "state_dict": "use the tensors themselves, for example torch.func.functional_call, instead of state_dict{at}",
    "checkpoint": "call checkpoint(..., use_reentrant=False){block}, or model.enable_input_require_grads()",
    "argmax": "use a differentiable stand-in (softmax weights, Gumbel-softmax, a policy gradient){at}",
    "comparison": "use a smooth stand-in such as torch.sigmoid of the difference{at}",
    "cast": "keep the value in floating point{at}",
    "index": "weigh the candidates with softmax instead of indexing with the result{at}",
    "marked": "drop mark_non_differentiable in {op}, and give its backward a gradient to return",
    "round": "pass the gradient straight through: x + (x.round() - x).detach(){at}",
}


def cuts_for(leaf: LeafFacts, facts: Facts) -> tuple[CutFound, ...]:
    """Return the cuts that explain why no gradient arrived; none when one arrived or none was wanted."""
    if not leaf.cuts or not missed_by(leaf, facts):
        return ()
    return tuple(cut for cut in cuts_of(leaf) if cut.kind != "none")


def cut_lines(facts: Facts, cuts: tuple[CutFound, ...]) -> tuple[Where, ...]:
    """Return the lines of the cuts, each with its ``no_grad`` block and where the value came back."""
    lines: list[Where] = []
    for cut in cuts:
        lines += line_at(facts, cut.place, "cut", cut.op)
        lines += line_at(facts, cut.block, "block", cut.kind)
    for cut in cuts:
        lines += line_at(facts, cut.reentry, "reentry")
    return tuple(lines)


def unadded(leaf: LeafFacts, cuts: tuple[CutFound, ...]) -> OutputDropped | None:
    """Return a loss that was computed beside what was cut and is in no backward: it may be what is missing."""
    last = leaf.dropped[-1] if leaf.dropped and leaf.dropped[-1].scalar else None
    if any(cut.kind in ("item", "rewrap", "numpy") for cut in cuts):
        return None  # that loss itself was turned into a number
    known = {place for cut in cuts for place in (cut.place, cut.reentry)}
    return None if last is None or last.place in known else last


def cut_message(facts: Facts, cuts: tuple[CutFound, ...]) -> str:
    first = cuts[0]
    said = _SAID.get(first.kind, "{op} gives a value without history").format(op=first.op or "the operation")
    verb = "took part in" if first.certain else "probably took part in"
    block = text_of(facts, first.block, ", block at ")
    text = f"it {verb} the loss, but its path was cut{text_of(facts, first.place)}{block}: {said}"
    others = len(cuts) - 1
    if others:
        text += f"; {others} more {'cut lies' if others == 1 else 'cuts lie'} behind or beside it"
    return text


def cut_fix(facts: Facts, cuts: tuple[CutFound, ...]) -> str:
    first = cuts[0]
    wording = _FIXES.get(first.kind, "keep the value inside autograd{at}")
    return wording.format(op=first.op, at=text_of(facts, first.place), block=text_of(facts, first.block or first.place))


def differentiable(cut: CutFound) -> bool:
    return cut.kind not in NO_DERIVATIVE
