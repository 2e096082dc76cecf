"""Optimizer built from what required grad, the backbone unfrozen later."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 12))
        self.head = nn.Linear(12, 3)
    def forward(self, x):
        return self.head(torch.relu(self.backbone(x)))
def freeze(m, on):
    for p in m.parameters():
        p.requires_grad = on
torch.manual_seed(0)
net = Net()
freeze(net.backbone, False)
optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, net.parameters()), lr=0.05, momentum=0.9)
crit = nn.CrossEntropyLoss()
for epoch in range(4):
    if epoch == 1:
        freeze(net.backbone, True)
    x, y = torch.randn(16, 6), torch.randint(0, 3, (16,))
    optimizer.zero_grad()
    loss = crit(net(x), y)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())
