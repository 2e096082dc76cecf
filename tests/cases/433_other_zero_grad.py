"""Zero_grad of one optimizer only."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 8), nn.Tanh()); self.head = nn.Linear(8, 1)
    def forward(self, x):
        return self.head(self.body(x))

torch.manual_seed(0)
net = Net()
opt = torch.optim.SGD(net.body.parameters(), lr=1e-2)
opt_head = torch.optim.SGD(net.head.parameters(), lr=1e-2)
for step in range(5):
    x = torch.randn(16, 5)
    opt.zero_grad()
    loss = (net(x).squeeze(1) - x.sum(1)).pow(2).mean()
    loss.backward()
    opt.step(); opt_head.step()
    print(step, loss.item())
