"""The weight of the auxiliary loss is 0."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(5, 8); self.main = nn.Linear(8, 1); self.aux = nn.Linear(8, 2)
    def forward(self, x):
        h = torch.relu(self.body(x))
        return self.main(h), self.aux(h)
torch.manual_seed(0)
net = Net()
cfg = {"aux_weight": 0.0}
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for i in range(4):
    x = torch.randn(20, 5)
    y, z = net(x)
    loss = (y - x[:, :1]).pow(2).mean() + cfg["aux_weight"] * (z - x[:, :2]).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
