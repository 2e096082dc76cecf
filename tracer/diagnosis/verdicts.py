"""The table of verdicts: code, name and severity of each, and which is said first when several hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of the table."""

    code: str  #: ``TR202``; '' for the two quiet verdicts
    name: str
    severity: str  #: "error", "warning", "info" or "ok"
    means: str  #: one clause
    primary: bool = True  #: False: only ever a finding beside another verdict


_ROWS = (
    Verdict("", "updated", "ok", "a gradient accumulated and an optimizer's step changed the value because of it"),
    Verdict("", "frozen", "ok", "not meant to train: no gradient, and no optimizer moved it"),
    Verdict("TR101", "not_in_optimizer", "error", "a gradient accumulated, no optimizer that stepped owns it"),
    Verdict("TR102", "stale_in_optimizer", "error", "an optimizer holds another tensor in its stead"),
    Verdict("TR103", "duplicate_in_optimizer", "warning", "two param groups or two optimizers step it"),
    Verdict("TR104", "not_registered", "error", "a leaf of a module gets gradients but is no registered parameter"),
    Verdict("TR105", "non_leaf", "error", "the attribute is a computed tensor, so its .grad stays None"),
    Verdict("TR106", "frozen_in_optimizer", "info", "requires_grad is False, yet an optimizer owns it"),
    Verdict("TR201", "unused", "warning", "took no part in computing what backward started from"),
    Verdict("TR202", "cut", "error", "took part, but the path to the loss was cut"),
    Verdict("TR203", "non_differentiable", "error", "the path ends in an operation that has no derivative"),
    Verdict("TR204", "no_backward", "warning", "the forward pass ran, backward never did"),
    Verdict("TR205", "detached_loss", "error", "the loss itself had no graph"),
    Verdict("TR206", "checkpoint_cut", "error", "reentrant checkpointing with no input that requires grad", False),
    Verdict("TR207", "none_from_backward", "error", "a custom Function's backward returned None for it"),
    Verdict("TR208", "dead_term", "warning", "one term of the loss has no graph while others do", False),
    Verdict("TR301", "zero_grad", "error", "a gradient arrived and was exactly zero everywhere"),
    Verdict("TR302", "vanishing", "warning", "gradients shrink through depth by orders of magnitude"),
    Verdict("TR303", "exploding", "warning", "gradients grow through depth by orders of magnitude"),
    Verdict("TR304", "nan_grad", "error", "NaN or Inf in the gradient"),
    Verdict("TR305", "hooked", "warning", "a user's hook replaced or zeroed the gradient"),
    Verdict("TR306", "grad_not_cleared", "warning", "gradients of earlier steps are still summed in"),
    Verdict("TR307", "replaced_grad", "warning", ".grad was changed outside autograd between backward and step"),
    Verdict("TR308", "nan_loss", "warning", "the loss was NaN or Inf although no gradient was", False),
    Verdict("TR401", "no_step", "warning", "an optimizer owns it, a gradient accumulated, and it never stepped"),
    Verdict("TR402", "cleared", "error", "the gradient was reset between backward and step"),
    Verdict("TR403", "lr_zero", "warning", "the learning rate of its param group was 0"),
    Verdict("TR404", "step_skipped", "warning", "a gradient scaler skipped the step"),
    Verdict("TR405", "decay_only", "warning", "the value moved by weight decay or momentum alone"),
    Verdict(
        "TR501",
        "underflow",
        "warning",
        "a non-zero update was applied and the value did not change in its dtype",
    ),
    Verdict("TR502", "overwritten", "error", "it stepped, then was put back or overwritten outside the optimizer"),
    Verdict("TR601", "unused_on_rank", "error", "some ranks produced a gradient, others did not"),
    Verdict("TR602", "ranks_diverge", "error", "replicas hold different values after the step"),
)

#: name -> row.
VERDICTS: Mapping[str, Verdict] = MappingProxyType({row.name: row for row in _ROWS})
#: code -> row; without the two quiet verdicts, which have no code.
CODES: Mapping[str, Verdict] = MappingProxyType({row.code: row for row in _ROWS if row.code})

#: The order in which the cause to fix first is chosen. It follows the way of a gradient: which tensor it
#: is, whether the gradient can reach it, what the gradient was worth, whether a step used it, and whether
#: the value kept what the step did; last, what disturbs a parameter that does train.
PRIORITY: tuple[str, ...] = (
    "non_leaf",
    "stale_in_optimizer",
    "not_registered",
    "unused_on_rank",
    "ranks_diverge",
    "none_from_backward",
    "non_differentiable",
    "cut",
    "detached_loss",
    "no_backward",
    "unused",
    "step_skipped",
    "nan_grad",
    "not_in_optimizer",
    "hooked",
    "zero_grad",
    "no_step",
    "cleared",
    "replaced_grad",
    "lr_zero",
    "overwritten",
    "underflow",
    "decay_only",
    "frozen_in_optimizer",
    "duplicate_in_optimizer",
    "grad_not_cleared",
    "vanishing",
    "exploding",
)

#: What only follows from the primary verdict: said beside it at severity info, no alarm of its own.
FOLLOWS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "detached_loss": frozenset({"cut", "non_differentiable"}),
        "decay_only": frozenset(PRIORITY) - {"decay_only"},
        "frozen_in_optimizer": frozenset({"decay_only"}),
        "zero_grad": frozenset({"hooked", "replaced_grad"}),
        "nan_grad": frozenset({"step_skipped"}),
        "grad_not_cleared": frozenset({"lr_zero", "not_in_optimizer", "no_step", "nan_grad", "stale_in_optimizer"}),
        "vanishing": frozenset({"zero_grad", "nan_grad"}),
        "exploding": frozenset({"nan_grad"}),
    }
)
