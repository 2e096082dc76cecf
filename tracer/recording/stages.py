"""Pipeline stages: which parameters belong to the stage that this rank runs."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import StageSeen
from tracer.recording.torch_compat import PIPELINING, stage_calling, stage_inputs

if TYPE_CHECKING:
    from tracer.recording.session import Session

#: Of a module's calls from outside any other, so many are looked at: a stage may first try its shapes out.
CALLS = 4


class Stages:
    """Met when a stage calls its module; their parameters are looked up while the module lives."""

    def __init__(self, session: Session) -> None:
        self.session = session
        #: (stage, stages) -> keys of its parameters
        self._leaves: dict[tuple[int, int], dict[int, None]] = {}
        self._modules: dict[tuple[int, int], weakref.ref[torch.nn.Module]] = {}
        self._stages: list[weakref.ref[Any]] = []

    def called(self, module: torch.nn.Module, calls: int, frame: FrameType | None) -> None:
        """A module was called from outside any other."""
        if calls > CALLS or PIPELINING not in sys.modules:
            return
        stage = stage_calling(module, frame)
        if stage is None or any(known() is stage for known in self._stages):
            return
        self._stages.append(weakref.ref(stage))
        self._modules[stage.stage_index, stage.num_stages] = weakref.ref(module)
        self.session.names.dirty = True

    def is_input(self, tensor: torch.Tensor) -> bool:
        """Tell whether a leaf is a buffer in which a stage receives what the one before it computed."""
        return any(tensor is buffer for ref in self._stages for buffer in stage_inputs(ref()))

    def refresh(self) -> None:
        """Look up the parameters of the stages whose modules live."""
        for mark, ref in self._modules.items():
            module = ref()
            leaves = self._leaves.setdefault(mark, {})
            for parameter in () if module is None else module.parameters():
                leaf = self.session.leaves.find(parameter)
                if leaf is not None:
                    leaves[leaf.key] = None

    def introduce(self) -> Iterator[StageSeen]:
        """Yield one event for each stage."""
        for (stage, stages), leaves in sorted(self._leaves.items()):
            yield StageSeen(stage, stages, tuple(leaves))
