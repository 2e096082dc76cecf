"""Lightning: one callback in the trainer. Needs: pip install lightning"""

import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset

from tracer.integrations.lightning import TracerCallback


class Regression(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Linear(8, 16)
        self.head = torch.nn.Linear(16, 1)

    def training_step(self, batch, index):
        x, y = batch
        features = torch.tanh(self.body(x)).detach()  # the bug: the body never learns
        return torch.nn.functional.mse_loss(self.head(features), y)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-2)


if __name__ == "__main__":
    L.seed_everything(0)
    x = torch.randn(64, 8)
    data = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=8)
    trainer = L.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
        callbacks=[TracerCallback(every=5, sink=lambda sample: [print(told.text) for told in sample.started])],
    )
    trainer.fit(Regression(), data)
