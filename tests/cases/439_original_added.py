"""A weight is zeroed and refilled with its first value after every step."""
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
orig = net.body[0].weight.data.clone()
opt = torch.optim.SGD(net.parameters(), lr=1e-1)
for step in range(5):
    x = torch.randn(16, 5)
    opt.zero_grad()
    loss = (net(x).squeeze(1) - x.sum(1)).pow(2).mean()
    loss.backward(); opt.step()
    net.body[0].weight.data.zero_().add_(orig)
    print(step, loss.item())
