"""Labels are logarithms of numbers below zero."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    def forward(self, x):
        return self.l(x)
def table(n=64):
    x = torch.randn(n, 4)
    price = x.sum(1) + 1.0
    return x, torch.log(price)
torch.manual_seed(0)
x, y = table()
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=16)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=0.001)
crit = nn.MSELoss()
for xb, yb in loader:
    loss = crit(net(xb).squeeze(1), yb)
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
