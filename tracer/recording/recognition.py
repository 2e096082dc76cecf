"""Numbers that left PyTorch and came back in new data: recognised by value, by the source, or supposed by time."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterable
from types import FrameType
from typing import Any

import numpy as np
import torch

from tracer.recording.arguments import floats
from tracer.recording.dark import Dark, DarkRecords, Lit, telling
from tracer.recording.links import Held, Stack
from tracer.recording.measure import ORDINARY, readable
from tracer.recording.places import Site, user_site, user_stack
from tracer.recording.torch_compat import without_torch_function

#: A tensor of unknown origin is compared with extracted numbers up to this size.
COMPARED = 4096
#: Places at which numbers are read out, at most so many followed through the source.
READINGS = 256
#: Tensors and arrays that went out and may come back much later, at most so many remembered.
KEPT = 256
#: Stacks from which one line is looked at before its answer is taken as settled.
STACKS = 4


class _Reading:
    """One place at which numbers are read out, with the record of the last time."""

    __slots__ = ("doubtful", "held", "record")

    def __init__(self, stack: Stack) -> None:
        self.held = Held(stack)
        self.record: Dark | None = None
        self.doubtful: Dark | None = None

    def last(self) -> Dark | None:
        """Return the record of the last reading, as one that is not certain."""
        if self.doubtful is None and self.record is not None:
            self.doubtful = self.record.as_doubtful()
        return self.doubtful


class Recognition:
    """Compares new data with the numbers read out before."""

    def __init__(self, dark: DarkRecords) -> None:
        self.dark = dark
        self.readings: dict[Stack, _Reading] = {}
        #: (shape, first values) of what was saved or made an array -> its record; the last ``KEPT``
        self.kept: OrderedDict[tuple[tuple[int, ...], tuple[float, ...]], Dark] = OrderedDict()
        #: site of a call -> (readings known then, stacks looked at, readings that flow into it)
        self._answers: dict[Site, tuple[int, set[Stack], list[_Reading]]] = {}

    def read_out(self, record: Dark, values: tuple[float, ...], frame: FrameType | None) -> Dark:
        """Numbers were read out of a tracked value: ``.item()``, ``.tolist()``, ``.numpy()``.

        Returns:
            A short record to keep with them. It is the same one each time when it says the same, so that an
            evaluation loop grows no memory.
        """
        stack = user_stack(frame, 6)
        reading = self.readings.get(stack)
        kept = record.in_short()
        if reading is not None and reading.record is not None and kept.says_the_same(reading.record):
            kept = reading.record
        self.dark.note_extraction(kept, values)
        if reading is None and len(self.readings) < READINGS:
            reading = self.readings[stack] = _Reading(stack)
        if reading is not None and reading.record is not kept:
            reading.record, reading.doubtful = kept, None
        return kept

    def by_source(self, site: Site | None, frame: FrameType | None) -> list[Dark]:
        """Return the records of numbers that flow, by the source, into the user's call at ``site``."""
        if not self.readings or site is None:
            return []
        count, stacks, found = self._answers.get(site, (0, set(), []))
        if count != len(self.readings):
            stacks, found = set(), []
        if len(stacks) < STACKS:
            stack = user_stack(frame, 8)
            if stack not in stacks:
                stacks.add(stack)
                found += [r for r in self.readings.values() if r not in found and r.held.flows_into(stack)]
            self._answers[site] = (len(self.readings), stacks, found)
        return [record for reading in found if (record := reading.last()) is not None]

    def keep(self, thing: torch.Tensor | np.ndarray[Any, Any], record: Dark) -> None:
        """Remember what was saved or made an array: it may come back after any number of steps."""
        mark = _mark(thing)
        if mark is not None:
            self.kept[mark] = record.in_short()
            if len(self.kept) > KEPT:
                self.kept.popitem(last=False)

    def kept_as(self, thing: torch.Tensor | np.ndarray[Any, Any]) -> Dark | None:
        """Return the record of what has this shape and these numbers."""
        mark = _mark(thing) if self.kept else None
        return None if mark is None else self.kept.get(mark)

    def in_tensor(self, tensor: torch.Tensor) -> Dark | None:
        """Find extracted numbers in a small tensor of unknown origin (``torch.Tensor(list)``)."""
        if type(tensor) not in ORDINARY or not readable(tensor):
            return None
        if tensor.device.type != "cpu" or not tensor.is_floating_point() or not 0 < tensor.numel() <= COMPARED:
            return None
        if tensor.layout != torch.strided:
            return None
        with without_torch_function(), torch.no_grad():
            values = tensor.double().reshape(-1).tolist()
        parents = self.matching(values)
        if not parents:
            return None
        record = Dark("rewrap", "Tensor", None, parents)
        self.dark.put(tensor, record)
        return record

    def matching(self, values: Iterable[float]) -> list[Dark | Lit]:
        """Return the records whose extracted numbers all appear among ``values`` (compared in float32)."""
        present = {float(np.float32(v)) for v in values}
        found: list[Dark | Lit] = []
        for record, sample in self.dark.extracted:
            known = [float(np.float32(v)) for v in sample if telling(v)]
            if known and all(v in present for v in known):
                found.append(record)
        return found

    def by_value(self, args: tuple[Any, ...]) -> list[Dark | Lit]:
        """Prove by equal numbers that new data came from values read out before."""
        if not self.dark.extracted or not args:
            return []
        values: list[float] = []
        for thing in args[:2]:
            if isinstance(thing, np.ndarray) and thing.dtype.kind == "f" and thing.size <= 1_000_000:
                values.extend(float(v) for v in thing.flat)
            else:
                values.extend(floats(thing))
        return self.matching(values) if values else []

    def by_time(self, args: tuple[Any, ...]) -> list[Dark | Lit]:
        """New data of unknown origin after values were read out since the last backward: perhaps from them."""
        if not self.dark.extracted or not args:
            return []
        data = args[0]
        site = user_site(sys._getframe(1))
        same = [r for r, _ in self.dark.extracted if site is not None and r.site is not None and r.site[0] is site[0]]
        if same and isinstance(data, (list, tuple)) and any(True for _ in floats(data)):
            return list(same[-16:])
        unknown = (isinstance(data, np.ndarray) and data.dtype.kind == "f") or any(telling(v) for v in floats(data))
        return [record for record, _ in self.dark.extracted[-16:]] if unknown else []


def _mark(thing: torch.Tensor | np.ndarray[Any, Any]) -> tuple[tuple[int, ...], tuple[float, ...]] | None:
    """Return the shape and the first numbers, None where they are not telling."""
    if isinstance(thing, np.ndarray):
        numbers = tuple(float(v) for v in thing.flat[:8]) if thing.dtype.kind == "f" else ()
    elif readable(thing) and thing.layout == torch.strided and thing.is_floating_point():
        numbers = tuple(thing.detach().reshape(-1)[:8].double().tolist())
    else:
        numbers = ()
    return (tuple(thing.shape), numbers) if any(telling(v) for v in numbers) else None
