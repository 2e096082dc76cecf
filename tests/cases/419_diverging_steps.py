"""The learning rate is far too large."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1))
    def forward(self, x):
        return self.l(x)
torch.manual_seed(0)
net = Net()
opt = torch.optim.SGD(net.parameters(), lr=5.0)
for k in range(12):
    x = torch.randn(16, 4)
    loss = (net(x).squeeze(1) - x.sum(1)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(k, loss.item())
