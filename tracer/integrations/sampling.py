"""Starts the recording of one sample of ``tracer.watch``."""

from __future__ import annotations

from typing import Any

from tracer.api import Recording


def start_sample(models: Any, optimizers: Any, detail: str) -> Recording | None:
    """Start a recording that ends in another place of the program than it began; None while another one runs.

    A function mode that the user's program entered before and leaves during the sample would take ours off in
    its stead, so ours is left out while another is active.
    """
    from tracer.recording.session import Session, recording_runs
    from tracer.recording.torch_compat import user_function_modes

    if recording_runs():
        return None
    recording = Recording(Session(models, optimizers, detail=detail, functions=user_function_modes() == 0))
    recording.__enter__()
    return recording
