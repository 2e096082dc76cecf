"""A learned offset."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pos = nn.Parameter(torch.randn(1, 4)).double().float()
        self.lin = nn.Linear(4, 1)
    def forward(self, x):
        return self.lin(x + self.pos)
torch.manual_seed(0)
net = Net()
opt = torch.optim.Adam(net.parameters(), 1e-3)
for _ in range(3):
    x = torch.randn(16, 4)
    loss = (net(x) - x[:, :1]).pow(2).mean()
    opt.zero_grad(); loss.backward(retain_graph=True); opt.step(); print(loss.item())
