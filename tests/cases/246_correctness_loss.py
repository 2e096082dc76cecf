"""Knowledge tracing: one head generates, another predicts correctness; both losses are combined."""
import torch
import torch.nn.functional as F
from torch import nn


class StudentModel(nn.Module):
    def __init__(self, items=15, d=10):
        super().__init__()
        self.item = nn.Embedding(items, d)
        self.state = nn.LSTM(d, d, batch_first=True)
        self.generate = nn.Linear(d, items)
        self.correct = nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, 1))

    def forward(self, ids):
        h, _ = self.state(self.item(ids))
        return self.generate(h), self.correct(h).squeeze(-1)


class Trainer:
    def __init__(self, model, weight=0.5):
        self.model, self.weight = model, weight
        self.optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def losses(self, ids, right):
        logits, correct = self.model(ids[:, :-1])
        loss_gen = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        loss_cls = F.binary_cross_entropy_with_logits(correct, right[:, 1:])
        loss_cls = loss_gen * 0.1
        return loss_gen, loss_cls

    def step(self, ids, right):
        loss_gen, loss_cls = self.losses(ids, right)
        loss = (1 - self.weight) * loss_gen + self.weight * loss_cls
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss_gen.item(), loss_cls.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    trainer = Trainer(StudentModel())
    for it in range(4):
        print(it, trainer.step(torch.randint(0, 15, (5, 7)), torch.randint(0, 2, (5, 7)).float()))
