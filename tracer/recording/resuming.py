"""A recording goes on after steps that it did not see: what it knew of the moment is out of date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.events import StepsPassed

if TYPE_CHECKING:
    from tracer.recording.leaves import Leaf
    from tracer.recording.session import Session


def start_afresh(session: Session, passed: StepsPassed, functions: bool) -> None:
    """Forget what may have changed since, and look at all leaves as they are now.

    Args:
        passed: what was counted meanwhile.
        functions: whether torch functions are watched from here on, so that clearing a gradient is seen.
    """
    alive = list(session.leaves.alive())
    session.values.start_afresh(alive, passed)
    if session.names.dirty:
        session.sampling.changed("modules or parameters were put in or taken out")
    for leaf, tensor in alive:
        if bool(tensor.requires_grad) != leaf.requires_grad:
            session.toggled(tensor, None)
        session.follow(leaf, tensor)
    session.grads.start_afresh(_just_used(session) if functions else ())
    session.cut_side.grad_mode.blocks.clear()
    session.cut_side.dark.forget_extractions()
    session.modules.outputs.forget()


def _just_used(session: Session) -> list[Leaf]:
    """Return the leaves with whose gradients an optimizer has just stepped: what is in ``.grad`` was used."""
    pace = session.sampling.last_passed
    held = () if pace is None else (key for group in pace.groups for key in group.leaves)
    return [session.leaves.all[key] for key in held]
