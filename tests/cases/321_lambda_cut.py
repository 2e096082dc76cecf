"""Pipeline of callables."""
import torch
from torch import nn


class Pipe(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 1)])
        self.between = lambda t: torch.clamp(t.detach(), -1, 1)

    def forward(self, x):
        for i, stage in enumerate(self.stages):
            x = stage(x if i == 0 else self.between(x))
        return x


torch.manual_seed(0)
net = Pipe()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for i in range(3):
    loss = net(torch.randn(6, 4)).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
