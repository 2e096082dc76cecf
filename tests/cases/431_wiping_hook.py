"""A post-accumulate hook zeroes the gradient."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 8), nn.Tanh()); self.head = nn.Linear(8, 1)
    def forward(self, x):
        return self.head(self.body(x))
def wipe(p):
    p.grad.zero_()
torch.manual_seed(0)
net = Net()
for p in net.head.parameters():
    p.register_post_accumulate_grad_hook(wipe)
opt = torch.optim.SGD(net.parameters(), lr=1e-1)
for step in range(5):
    x = torch.randn(16, 5)
    opt.zero_grad()
    loss = (net(x).squeeze(1) - x.sum(1)).pow(2).mean()
    loss.backward()
    opt.step()
    print(step, loss.item())
