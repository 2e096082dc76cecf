"""Ways to watch a training: nothing, tracer at each detail, and the naive way that most people write first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch

import tracer
from benchmarks.workloads import Training

#: Entered around some steps; gives the function that runs one watched step.
Watcher = Callable[[Training], AbstractContextManager[Callable[[], None]]]


@contextmanager
def untraced(training: Training) -> Iterator[Callable[[], None]]:
    yield training.step


def traced(detail: str) -> Watcher:
    """Return a watcher that records with ``tracer.record`` at one detail."""

    @contextmanager
    def watch(training: Training) -> Iterator[Callable[[], None]]:
        with tracer.record(training.model, training.optimizer, detail=detail):
            yield training.step

    return watch


@contextmanager
def naive(training: Training) -> Iterator[Callable[[], None]]:
    """A hook on every parameter and on every module's output, each with ``.norm().item()``."""
    norms: dict[str, float] = {}
    handles = []

    def keep(name: str) -> Callable[[torch.Tensor], None]:
        def hook(grad: torch.Tensor) -> None:
            norms[name] = grad.norm().item()

        return hook

    def output(name: str) -> Callable[..., None]:
        def hook(module: torch.nn.Module, inputs: object, out: object) -> None:
            if isinstance(out, torch.Tensor) and out.requires_grad:
                out.register_hook(keep(name))

        return hook

    for name, parameter in training.model.named_parameters():
        handles.append(parameter.register_hook(keep(name)))
    for name, module in training.model.named_modules():
        handles.append(module.register_forward_hook(output(f"{name}:out")))
    try:
        yield training.step
    finally:
        for handle in handles:
            handle.remove()


OURS: dict[str, Watcher] = {
    "untraced": untraced,
    "tracer graph": traced("graph"),
    "tracer flow": traced("flow"),
    "tracer full": traced("full"),
    "naive .item()": naive,
}
