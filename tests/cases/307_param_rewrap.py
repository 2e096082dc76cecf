"""Prompt made by a projection."""
import torch
from torch import nn


class Prompted(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(4, 6)
        self.head = nn.Linear(6, 2)

    def forward(self, x, style):
        prompt = nn.Parameter(self.project(style))
        return self.head(x + prompt)


torch.manual_seed(0)
model = Prompted()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for i in range(3):
    x, s, y = torch.randn(12, 6), torch.randn(12, 4), torch.randint(0, 2, (12,))
    loss = nn.functional.cross_entropy(model(x, s), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
