"""Evaluation first, then training."""
import torch
from torch import nn


class Clf(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, x):
        return self.fc(x)


def evaluate(model, x, y):
    torch.set_grad_enabled(False)
    model.eval()
    acc = (model(x).argmax(1) == y).float().mean()
    model.train()
    return acc.item()


def main():
    torch.manual_seed(0)
    model = Clf()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = torch.randn(32, 4), torch.randint(0, 2, (32,))
    print("before", evaluate(model, x, y))
    for step in range(3):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        opt.step()


main()
