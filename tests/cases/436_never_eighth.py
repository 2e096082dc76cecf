"""Accumulation over more batches than there are."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 8), nn.Tanh()); self.head = nn.Linear(8, 1)
    def forward(self, x):
        return self.head(self.body(x))

torch.manual_seed(0)
net = Net()
accum = 8
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(5):
    x = torch.randn(16, 5)
    loss = (net(x).squeeze(1) - x.sum(1)).pow(2).mean() / accum
    loss.backward()
    if (step + 1) % accum == 0:
        opt.step(); opt.zero_grad()
    print(step, loss.item())
