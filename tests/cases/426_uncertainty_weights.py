"""Learned loss weights are in no optimizer."""
import torch
from torch import nn
class Uncertainty(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.log_vars = nn.Parameter(torch.zeros(n))
    def forward(self, *losses):
        return sum(torch.exp(-s) * l + s for s, l in zip(self.log_vars, losses))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.t = nn.Linear(5, 8); self.a = nn.Linear(8, 1); self.b = nn.Linear(8, 1)
    def forward(self, x):
        h = torch.relu(self.t(x)); return self.a(h), self.b(h)
torch.manual_seed(0)
net = Net(); criterion = Uncertainty(2)
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for _ in range(4):
    x = torch.randn(16, 5)
    a, b = net(x)
    loss = criterion((a - x[:, :1]).pow(2).mean(), (b - x[:, 1:2]).abs().mean())
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
