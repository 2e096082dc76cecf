"""Experts in a tuple."""
import torch
from torch import nn
class Mix(nn.Module):
    def __init__(self, n=3):
        super().__init__()
        self.gate = nn.Linear(5, n)
        self.experts = tuple(nn.Linear(5, 2) for _ in range(n))
    def forward(self, x):
        w = self.gate(x).softmax(-1)
        return sum(w[:, i:i + 1] * e(x) for i, e in enumerate(self.experts))
torch.manual_seed(0)
m = Mix()
opt = torch.optim.Adam(m.parameters(), lr=1e-2)
for i in range(4):
    x = torch.randn(10, 5)
    loss = (m(x) - x[:, :2]).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
