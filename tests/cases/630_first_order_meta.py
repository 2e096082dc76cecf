"""Gradients of adapted copies are summed by hand."""
import copy, torch, torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
meta = torch.optim.Adam(net.parameters(), 1e-3)
for it in range(4):
    meta.zero_grad()
    for p in net.parameters(): p.grad = torch.zeros_like(p)
    for task in range(2):
        learner = copy.deepcopy(net)
        a = torch.rand(1)
        for _ in range(2):
            x = torch.randn(10, 1)
            learner.zero_grad()
            F.mse_loss(learner(x), a * x).backward()
            with torch.no_grad():
                for p in learner.parameters(): p -= .05 * p.grad
        learner.zero_grad()
        x = torch.randn(10, 1)
        q = F.mse_loss(learner(x), a * x)
        q.backward()
        for p, l in zip(net.parameters(), learner.parameters()): p.grad += l.grad / 2
    meta.step(); print(q.item())
