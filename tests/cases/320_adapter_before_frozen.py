"""Adapter before a frozen backbone."""
import torch
from torch import nn


class Adapted(nn.Module):
    def __init__(self):
        super().__init__()
        self.adapter = nn.Linear(5, 5)
        self.backbone = nn.Sequential(nn.Linear(5, 8), nn.ReLU())
        self.head = nn.Linear(8, 2)
        for p in self.backbone.parameters():
            p.requires_grad = False

    def features(self, x):
        with torch.no_grad():
            return self.backbone(x)

    def forward(self, x):
        return self.head(self.features(self.adapter(x)))


torch.manual_seed(0)
net = Adapted()
opt = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-3)
for i in range(3):
    x, y = torch.randn(10, 5), torch.randint(0, 2, (10,))
    loss = nn.functional.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
