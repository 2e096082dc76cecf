"""Rows are normalised and clamped after each step."""
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
opt = torch.optim.RMSprop(net.parameters(), 5e-3)
for _ in range(6):
    x = torch.randn(16, 6)
    loss = (net(x) - x[:, :1]).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
    for m in net:
        if isinstance(m, nn.Linear):
            m.weight.data = m.weight.data / m.weight.data.norm(dim=1, keepdim=True)
            m.weight.data.clamp_(-.6, .6)
    print(loss.item())
