"""The integrations against the real packages: each example runs, finds its bug and leaves training unchanged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import tracer

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Shell = Callable[..., "subprocess.CompletedProcess[str]"]


def test_lightning_names_the_cut_in_training_step(python: Shell) -> None:
    pytest.importorskip("lightning")
    done = python(EXAMPLES / "lightning_module.py")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "TR202 cut: body.weight, body.bias" in done.stdout
    assert "features = torch.tanh(self.body(x)).detach()" in done.stdout
    assert done.stdout.count("TR") == 1


def test_lightning_metrics_reach_its_logger(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning")
    from lightning.pytorch.loggers import CSVLogger

    from tracer.integrations.lightning import TracerCallback

    class Net(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:
            return self.layer(batch).pow(2).mean()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    logger = CSVLogger(tmp_path)
    callback = TracerCallback(every=2, sink=None)
    trainer = lightning.Trainer(
        max_steps=4, accelerator="cpu", logger=logger, callbacks=[callback], enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1,
    )  # fmt: skip
    trainer.fit(Net(), torch.utils.data.DataLoader(torch.ones(8, 2), batch_size=2, num_workers=0))
    table = next(tmp_path.rglob("metrics.csv")).read_text()
    assert "grad_norm/layer.weight" in table.splitlines()[0]
    assert callback.watcher is not None
    assert callback.watcher.report["layer.weight"].verdict == "updated"


def test_the_hugging_face_trainer_finds_a_hook_that_zeroes(python: Shell) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    done = python(EXAMPLES / "hf_trainer.py")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "TR305 hooked: transformer.h.1.mlp.c_fc.weight" in done.stdout
    assert done.stdout.count("TR") == 1


def test_accelerate_finds_what_the_optimizer_lacks(python: Shell) -> None:
    pytest.importorskip("accelerate")
    done = python(EXAMPLES / "accelerate_loop.py")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "TR101 not_in_optimizer: 0.weight, 0.bias" in done.stdout


def test_an_ignite_engine_is_watched_from_outside(python: Shell) -> None:
    pytest.importorskip("ignite")
    done = python(EXAMPLES / "ignite_loop.py")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "TR301 zero_grad: 0.weight, 0.bias" in done.stdout
    assert "relu" in done.stdout


def test_tensorboard_holds_norms_and_ratios_per_parameter(python: Shell, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    done = python(EXAMPLES / "tensorboard_run.py", tmp_path / "runs")
    assert done.returncode == 0, done.stderr[-2000:]
    code = (
        "import sys; from tensorboard.backend.event_processing.event_accumulator import EventAccumulator as E\n"
        "e = E(sys.argv[1]); e.Reload()\n"
        "print([s.step for s in e.Scalars('grad_norm/0.weight')], 'update_ratio/2.bias' in e.Tags()['scalars'])"
    )
    read = python("-W", "ignore", "-c", code, tmp_path / "runs")
    assert read.stdout.strip() == "[1, 5, 10, 15, 20] True", read.stderr[-2000:]


def test_wandb_offline_gets_gradients_by_the_name_its_users_know(python: Shell, tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    done = python(EXAMPLES / "wandb_offline.py", tmp_path, WANDB_SILENT="true")
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("gradients/0.weight", "gradients/2.bias", "gradients_total"):
        assert name in done.stdout


def test_wrappers_of_parallel_and_compiled_models_are_taken_off() -> None:
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    wrapped = torch.nn.DataParallel(net)
    with tracer.watch(wrapped, optimizer, every=1, sink=None) as watcher:
        wrapped(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    assert watcher.report is not None
    assert {row.name for row in watcher.report} == {"weight", "bias"}


@pytest.mark.parametrize(("module", "package"), [("lightning", "lightning"), ("transformers", "transformers")])
def test_a_missing_framework_is_one_sentence(module: str, package: str) -> None:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys(('{package}', 'pytorch_lightning')))\n"
        f"import tracer.integrations.{module}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"needs the package {package}. Install it: pip install {package}." in done.stderr
