"""Layers inside an object that is no module."""
import torch
from torch import nn
class Enc:
    def __init__(self):
        self.body = nn.Linear(5, 4)
        self.head = nn.Linear(4, 4)
    def __call__(self, x):
        return self.head(torch.relu(self.body(x)))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = Enc()
        self.out = nn.Linear(4, 1)
    def forward(self, x):
        return self.out(self.enc(x))
torch.manual_seed(0)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for _ in range(4):
    x = torch.randn(16, 5)
    loss = (net(x).squeeze(1) - x.sum(1)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
