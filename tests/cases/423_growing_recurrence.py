"""Recurrent weights drawn too large."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.inp = nn.Linear(3, d)
        self.cell = nn.Linear(d, d)
        self.out = nn.Linear(d, 1)
        nn.init.normal_(self.cell.weight, std=1.0)
    def forward(self, xs):
        h = torch.zeros(xs.size(0), 16)
        for t in range(xs.size(1)):
            h = torch.relu(self.cell(h) + self.inp(xs[:, t]))
        return self.out(h).squeeze(1)
torch.manual_seed(0)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for k in range(4):
    xs = torch.randn(8, 25, 3)
    loss = (net(xs) - xs[:, 0].sum(1)).abs().mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(k, f"{loss.item():.3g}")
