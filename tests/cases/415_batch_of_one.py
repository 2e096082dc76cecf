"""Standard deviation of a single sample."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 8); self.b = nn.Linear(8, 1)
    def norm(self, h):
        return (h - h.mean(0)) / (h.std(0) + 1e-5)
    def forward(self, x):
        return self.b(torch.relu(self.norm(self.a(x))))
torch.manual_seed(0)
net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.01)
data = torch.randn(1, 4)
for i in range(3):
    loss = (net(data) - 1).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
