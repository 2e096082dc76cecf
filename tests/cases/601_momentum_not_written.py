"""Momentum by hand."""
import torch
from torch import nn
class Momentum:
    def __init__(self, params, lr=0.1):
        self.params, self.lr = list(params), lr
        self.m = [torch.zeros_like(p) for p in self.params]
    def zero_grad(self):
        for p in self.params:
            p.grad = None
    def step(self):
        for i, p in enumerate(self.params):
            self.m[i] = 0.9 * self.m[i] + p.grad
            p = p - self.lr * self.m[i]
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
opt = Momentum(net.parameters())
for step in range(5):
    x = torch.randn(16, 4)
    loss = (net(x) - x.sum(1, keepdim=True)).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
