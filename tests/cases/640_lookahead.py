"""Slow weights that go half of the way."""
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
slow = [p.detach().clone() for p in net.parameters()]
opt = torch.optim.SGD(net.parameters(), lr=1e-2)
for step in range(12):
    x = torch.randn(16, 4)
    loss = (net(x) - x.sum(1, keepdim=True)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
    if (step + 1) % 3 == 0:
        with torch.no_grad():
            for p, s in zip(net.parameters(), slow):
                s.add_(p - s, alpha=0.5)
                p.copy_(s)
    print(loss.item())
