"""Two-stage regressor."""
import torch
from torch import nn


class TwoStage(nn.Module):
    def __init__(self):
        super().__init__()
        self.coarse = nn.Linear(5, 2)
        self.refine = nn.Sequential(nn.Linear(7, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, x):
        base = self.coarse(x)
        out = base + self.refine(torch.cat([x, base], 1))
        out = base
        return out


torch.manual_seed(0)
model = TwoStage()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for i in range(3):
    x = torch.randn(9, 5)
    loss = (model(x) - x[:, :2]).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
