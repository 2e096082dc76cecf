"""Hypernetwork."""
import torch
from torch import nn


class Hyper(nn.Module):
    def __init__(self):
        super().__init__()
        self.hyper = nn.Linear(3, 8)
        self.target = nn.Linear(8, 1, bias=False)

    def forward(self, code, x):
        w = self.hyper(code).view(1, 8)
        self.target.weight.data.copy_(w)
        return self.target(x)


torch.manual_seed(0)
net = Hyper()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for i in range(3):
    loss = (net(torch.randn(3), torch.randn(6, 8)) - 1).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
