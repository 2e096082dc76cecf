"""Learned filters."""
import torch
from torch import nn
class Gabor(nn.Module):
    def __init__(self, n=4):
        super().__init__()
        self.kernel = nn.Parameter(torch.rand(n, 2) + .5)
    def constrained(self):
        with torch.no_grad():
            k = torch.stack([self.kernel[:, 0].clamp(.1, 3), self.kernel[:, 1].clamp(.5, 4)], 1)
        return k
    def forward(self, x):
        k = self.constrained()
        t = torch.arange(-8, 9).float()
        w = torch.cos(k[:, :1] * t) * torch.exp(-t ** 2 / (2 * k[:, 1:] ** 2))
        return nn.functional.conv1d(x, w[:, None])
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = Gabor(), nn.Linear(4, 1)
    def forward(self, x): return self.fc(self.conv(x).abs().mean(-1))
torch.manual_seed(0)
net = Net(); opt = torch.optim.Adam(net.parameters(), 1e-2)
for _ in range(3):
    x = torch.randn(8, 1, 32)
    loss = (net(x) - x.std(-1)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
