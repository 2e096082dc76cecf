"""The head is built anew every epoch."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 12); self.head = nn.Linear(12, 3)
    def forward(self, x):
        return self.head(torch.relu(self.body(x)))
    def reset_head(self):
        self.head = nn.Linear(12, 3)
torch.manual_seed(0)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(3):
    net.reset_head()
    for _ in range(2):
        x, y = torch.randn(16, 6), torch.randint(0, 3, (16,))
        loss = nn.functional.cross_entropy(net(x), y)
        opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
