"""A constant feature is divided by its spread of zero."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    def forward(self, x):
        return self.l(x)
def standardise(x):
    mean, std = x.mean(0), x.std(0)
    return (x - mean) / std
torch.manual_seed(0)
raw = torch.randn(64, 4); raw[:, 2] = 3.0
y = raw.sum(1)
data = standardise(raw)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=0.001)
for k in range(3):
    idx = torch.randperm(64)[:16]
    loss = (net(data[idx]).squeeze(1) - y[idx]).abs().mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
