"""Attention in one long expression."""
import math
import torch
from torch import nn


class Attn(nn.Module):
    def __init__(self, d=6):
        super().__init__()
        self.query = nn.Linear(d, d)
        self.key = nn.Linear(d, d)
        self.value = nn.Linear(d, d)
        self.out = nn.Linear(d, 1)

    def forward(self, x):
        weights = torch.softmax(
            torch.matmul(
                self.query(x),
                self.key(x)
                .transpose(-1, -2)
                .detach(),
            )
            / math.sqrt(x.shape[-1]),
            dim=-1,
        )
        return self.out(weights @ self.value(x)).mean()


torch.manual_seed(0)
net = Attn()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for i in range(3):
    loss = (net(torch.randn(2, 5, 6)) - 1).pow(2)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
