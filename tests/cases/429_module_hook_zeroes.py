"""A backward hook on a module returns zeros."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 8), nn.Tanh()); self.head = nn.Linear(8, 1)
    def forward(self, x):
        return self.head(self.body(x))
def block(module, gin, gout):
    return tuple(None if g is None else torch.zeros_like(g) for g in gin)
torch.manual_seed(0)
net = Net()
net.head.register_full_backward_hook(block)
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(5):
    x = torch.randn(16, 5)
    opt.zero_grad()
    loss = (net(x).squeeze(1) - x.sum(1)).pow(2).mean()
    loss.backward()
    opt.step()
    print(step, loss.item())
