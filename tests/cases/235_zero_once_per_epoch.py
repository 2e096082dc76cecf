"""Image regression where gradients are reset at the top of every epoch."""
import torch
from torch import nn


class Patch(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 36, 1)

    def forward(self, x):
        return self.fc(torch.relu(self.bn(self.conv(x))).flatten(1)).squeeze(1)


class Engine:
    def __init__(self, model, lr=1e-3):
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.loss = nn.MSELoss()

    def epoch(self, batches):
        self.model.train()
        self.optimizer.zero_grad()
        seen = 0.0
        for x, y in batches:
            loss = self.loss(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            seen += loss.item()
        return seen / len(batches)


def make_batches(n=4):
    batches = []
    for _ in range(n):
        x = torch.rand(6, 1, 8, 8)
        batches.append((x, x.mean(dim=(1, 2, 3)) * 4))
    return batches


if __name__ == "__main__":
    torch.manual_seed(0)
    engine = Engine(Patch())
    data = make_batches()
    for e in range(2):
        print(e, engine.epoch(data))
