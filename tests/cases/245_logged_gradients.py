"""Loop with a helper that records the gradient norms after every backward."""
import torch
from torch import nn


class GradientLog:
    def __init__(self, model):
        self.model, self.rows = model, []

    def record(self):
        row = {}
        for name, p in self.model.named_parameters():
            if p.grad is not None:
                row[name] = p.grad.norm().item()
        self.rows.append(row)
        self.model.zero_grad()
        return max(row.values())


class WindNet(nn.Module):
    def __init__(self, d=6):
        super().__init__()
        self.gru = nn.GRU(d, 10, batch_first=True)
        self.speed = nn.Linear(10, 1)

    def forward(self, x):
        h, _ = self.gru(x)
        return self.speed(h[:, -1]).squeeze(1)


def fit(model, log, steps=4):
    opt = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    for step in range(steps):
        x = torch.randn(12, 5, 6)
        loss = nn.functional.l1_loss(model(x), x.mean(dim=(1, 2)))
        loss.backward()
        largest = log.record()
        opt.step()
        print(step, loss.item(), largest)


if __name__ == "__main__":
    torch.manual_seed(0)
    net = WindNet()
    fit(net, GradientLog(net))
