"""Other tools, used as their documentation shows. One that is not installed is skipped, with the reason."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from benchmarks.watchers import Watcher
from benchmarks.workloads import Training


@contextmanager
def torchviz(training: Training) -> Iterator[Callable[[], None]]:
    """torchviz draws the graph behind the loss of each step."""
    from torchviz import make_dot

    params = dict(training.model.named_parameters())

    def step() -> None:
        training.optimizer.zero_grad()
        loss = training.loss()
        make_dot(loss, params=params)
        loss.backward()
        training.optimizer.step()

    yield step


@contextmanager
def torchview(training: Training) -> Iterator[Callable[[], None]]:
    """torchview draws the forward pass: a forward of its own beside the step's."""
    from torchview import draw_graph

    def step() -> None:
        draw_graph(training.model, input_data=training.inputs, mode="train")
        training.step()

    yield step


@contextmanager
def torchlens(training: Training) -> Iterator[Callable[[], None]]:
    """torchlens captures forward and gradients: ``trace`` with ``save_grads``, then ``log_backward``."""
    import torchlens as lens
    from torchlens.options import CaptureOptions

    options = CaptureOptions(save_grads=True, backward_ready=True, unwrap_when_done=True)

    def step() -> None:
        training.optimizer.zero_grad()
        trace = lens.trace(training.model, training.inputs, capture=options)
        out = trace[trace.output_layers[0]].out
        loss = out.float().square().mean()
        trace.log_backward(loss)
        training.optimizer.step()

    yield step


@contextmanager
def wandb_watch(training: Training) -> Iterator[Callable[[], None]]:
    """wandb.watch with a histogram of every gradient at every backward, offline."""
    import wandb

    with tempfile.TemporaryDirectory() as folder:
        os.environ["WANDB_SILENT"] = "true"
        run = wandb.init(mode="offline", dir=folder, project="bench", settings=wandb.Settings(console="off"))
        wandb.watch(training.model, log="gradients", log_freq=1)

        def step() -> None:
            training.step()
            run.log({"step": 1})

        try:
            yield step
        finally:
            wandb.unwatch(training.model)
            run.finish(quiet=True)


PEERS: dict[str, tuple[str, Watcher]] = {
    "torchviz": ("torchviz", torchviz),
    "torchview": ("torchview", torchview),
    "torchlens": ("torchlens", torchlens),
    "wandb.watch": ("wandb", wandb_watch),
}


def installed() -> tuple[dict[str, Watcher], dict[str, str]]:
    """Return the peers that are here, and why the others are not."""
    from importlib.util import find_spec

    here, missing = {}, {}
    for name, (package, watcher) in PEERS.items():
        if find_spec(package) is None:
            missing[name] = f"not installed (pip install -e '.[bench]' on Python {sys.version.split()[0]})"
        else:
            here[name] = watcher
    return here, missing


def versions() -> dict[str, str]:
    """Return the version of everything that was measured."""
    from importlib.metadata import distributions

    wanted = ("tracer-autograd", "transformers", *(package for package, _ in PEERS.values()))
    known = {found.metadata["Name"]: found.version for found in distributions()}
    return {
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        **{package: known[package] for package in wanted if package in known},
    }
