"""Rounded codes."""
import torch
from torch import nn
torch.manual_seed(0)
enc, dec = nn.Linear(4, 8), nn.Linear(8, 4)
opt = torch.optim.Adam([*enc.parameters(), *dec.parameters()], 1e-3)
for _ in range(3):
    x = torch.randn(16, 4)
    h = enc(x) * 2
    q = h.round().detach() + h - h
    loss = (dec(q) - x).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
