"""Content and style heads with accumulated losses."""
import torch
from torch import nn


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 8)
        self.content = nn.Linear(8, 3)
        self.style = nn.Linear(8, 3)

    def forward(self, x):
        h = torch.tanh(self.body(x))
        return self.content(h), self.style(h)


class Trainer:
    def __init__(self):
        self.model = Two()
        self.opt = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def step(self, x):
        c, s = self.model(x)
        loss = (c - x[:, :3]).pow(2).mean()
        for row in s.split(4):
            loss += 0.25 * row.pow(2).mean().item()
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()


torch.manual_seed(0)
t = Trainer()
for i in range(3):
    print(i, t.step(torch.randn(12, 6)))
