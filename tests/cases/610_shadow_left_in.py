"""Smoothed weights for evaluation."""
import torch
from torch import nn
class EMA:
    def __init__(self, model, decay=.999):
        self.model, self.decay = model, decay
        self.shadow = {n: p.data.clone() for n, p in model.named_parameters()}
    def update(self):
        for n, p in self.model.named_parameters():
            self.shadow[n] = self.decay * self.shadow[n] + (1 - self.decay) * p.data
    def apply(self):
        for n, p in self.model.named_parameters():
            p.data.copy_(self.shadow[n])
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
ema = EMA(net)
opt = torch.optim.Adam(net.parameters(), 1e-3)
for epoch in range(3):
    for step in range(3):
        x = torch.randn(8, 4)
        loss = (net(x) - x[:, :1]).pow(2).mean()
        opt.zero_grad(); loss.backward(); opt.step(); ema.update()
    ema.apply()
    with torch.no_grad():
        x = torch.randn(64, 4)
        print(epoch, loss.item(), (net(x) - x[:, :1]).pow(2).mean().item())
