"""Accumulation over four micro-batches."""
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
opt = torch.optim.SGD(net.parameters(), lr=1e-3)
for step in range(6):
    for micro in range(4):
        x = torch.randn(16, 4)
        loss = (net(x) - x.sum(1, keepdim=True)).pow(2).mean()
        loss.backward()
    for p in net.parameters():
        p.grad = p.grad / 4
    opt.step()
    print(loss.item())
