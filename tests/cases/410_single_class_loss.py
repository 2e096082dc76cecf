"""Cross entropy over a single class."""
import torch
from torch import nn
class Clf(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 8); self.out = nn.Linear(8, 1)
    def forward(self, x):
        return self.out(torch.relu(self.fc(x)))
torch.manual_seed(0)
net = Clf()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
crit = nn.CrossEntropyLoss()
for i in range(4):
    x = torch.randn(20, 5); y = torch.zeros(20, dtype=torch.long)
    loss = crit(net(x), y)
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
