"""Layers in a dataclass."""
import torch
from dataclasses import dataclass
from torch import nn
@dataclass
class Parts:
    first: nn.Module
    second: nn.Module
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = Parts(nn.Linear(4, 8), nn.Linear(8, 8))
        self.out = nn.Linear(8, 1)
    def forward(self, x):
        return self.out(torch.relu(self.parts.second(torch.relu(self.parts.first(x)))))
torch.manual_seed(0)
net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for i in range(4):
    x = torch.randn(10, 4)
    loss = (net(x) - x.sum(1, keepdim=True)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
