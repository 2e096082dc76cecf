"""Where grad mode was switched off: the lines of ``no_grad`` and ``inference_mode`` that are open now."""

from __future__ import annotations

import sys
from types import FrameType

import torch

from tracer.recording.places import Site, is_user_file


class GradMode:
    """Stack of the switches of grad mode; None stands for a switch that turned it on."""

    def __init__(self) -> None:
        self.blocks: list[Site | None] = []

    def switched(self, on: bool, frame: FrameType | None) -> None:
        """``torch._C._set_grad_enabled`` was called: keep the line of the block that switched it off."""
        leaving, decorated = False, None
        while frame is not None and not is_user_file(frame.f_code.co_filename):
            leaving = leaving or frame.f_code.co_name == "__exit__"
            if frame.f_code.co_name == "decorate_context":
                decorated = _decorated(frame)
            frame = frame.f_back
        if leaving:
            if self.blocks:
                self.blocks.pop()
            return
        site = decorated or (None if frame is None else (frame.f_code, frame.f_lasti))
        self.blocks.append(None if on else site)
        del self.blocks[:-64]

    def entered_inference(self, frame: FrameType | None) -> None:
        self.switched(False, frame)

    def left_inference(self) -> None:
        if self.blocks:
            self.blocks.pop()

    def block(self) -> Site | None:
        """Return the line of the innermost block that keeps grad mode off now; None when it is on."""
        if torch.is_grad_enabled() and not torch.is_inference_mode_enabled():
            return None
        return next((b for b in reversed(self.blocks) if b is not None), None)


def in_checkpoint(frame: FrameType | None) -> bool:
    """Tell whether reentrant checkpointing runs the code of a frame: PyTorch's own ``checkpoint.py``."""
    while frame is not None:
        if frame.f_code.co_name == "forward" and frame.f_code.co_filename.endswith("checkpoint.py"):
            return not is_user_file(frame.f_code.co_filename)
        frame = frame.f_back
    return False


def _decorated(frame: FrameType) -> Site | None:
    """Return the first line of the function that ``@torch.no_grad()`` wraps, from the wrapper's frame."""
    names = frame.f_locals
    func = names.get("func")
    code = getattr(func, "__code__", None)
    if sys.version_info < (3, 13) and sys.gettrace() is None:
        names.clear()  # a snapshot of the arguments, which would keep tensors alive
    return None if code is None else (code, -1)
