"""Exp of an unbounded log-variance overflows."""
import torch
from torch import nn
class V(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu = nn.Linear(4, 2); self.lv = nn.Linear(4, 2); self.d = nn.Linear(2, 4)
    def forward(self, x):
        mu, lv = self.mu(x), self.lv(x) * 100
        std = torch.exp(lv)
        z = mu + std * torch.randn_like(mu)
        return self.d(z), mu, lv
torch.manual_seed(0)
net = V()
opt = torch.optim.Adam(net.parameters(), lr=0.001)
for i in range(3):
    x = torch.randn(16, 4) * 10
    r, mu, lv = net(x)
    loss = (r - x).pow(2).mean() + (mu ** 2 - lv).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
