"""A weight generator."""
import torch
from torch import nn
class Hyper(nn.Module):
    def __init__(self):
        super().__init__()
        self.hyper, self.main = nn.Linear(2, 4), nn.Linear(4, 1)
    def forward(self, c, x):
        self.main.weight = nn.Parameter(self.hyper(c).view(1, 4))
        return self.main(x)
torch.manual_seed(0)
net = Hyper()
opt = torch.optim.SGD(net.parameters(), 1e-2)
for _ in range(4):
    c, x = torch.randn(2), torch.randn(16, 4)
    loss = (net(c, x) - x @ c.repeat(2)[:, None]).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
