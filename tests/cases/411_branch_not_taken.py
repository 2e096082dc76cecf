"""The gain sits in the branch of where that is never taken."""
import torch
from torch import nn
class S(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1)); self.l = nn.Linear(5, 1)
    def forward(self, x):
        y = self.l(x)
        return torch.where(y < 1000.0, y, self.gain * y)
torch.manual_seed(0)
net = S()
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for i in range(4):
    x = torch.randn(8, 5)
    loss = (net(x) - x[:, :1]).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
