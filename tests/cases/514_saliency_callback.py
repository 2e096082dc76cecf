"""Training where the gradients are cleared by a metric callback between backward and step."""
import torch
from torch import nn


class SaliencyCallback:
    """Logs the mean input gradient of the model every `every` steps."""

    def __init__(self, every=1):
        self.every, self.log = every, []

    def after_backward(self, trainer, step, batch):
        if step % self.every:
            return
        x = batch[0].clone().requires_grad_()
        trainer.model.zero_grad()
        (g,) = torch.autograd.grad(trainer.model(x).max(1).values.sum(), x)
        self.log.append(g.abs().mean().item())


class Trainer:
    def __init__(self, model, opt, callbacks=()):
        self.model, self.opt, self.callbacks = model, opt, callbacks
        self.loss = nn.CrossEntropyLoss(label_smoothing=0.1)

    def fit(self, loader):
        for step, batch in enumerate(loader):
            loss = self.training_step(batch)
            self.opt.zero_grad()
            loss.backward()
            for c in self.callbacks:
                c.after_backward(self, step, batch)
            self.opt.step()
            print(step, loss.item())

    def training_step(self, batch):
        x, y = batch
        return self.loss(self.model(x), y)


def loader(n):
    for _ in range(n):
        x = torch.randn(8, 5)
        yield x, x.argmax(1)


def main():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 5))
    Trainer(model, torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.0), [SaliencyCallback()]).fit(loader(4))


if __name__ == "__main__":
    main()
