"""The meter's average is wrapped for backward."""
import torch
from torch import nn


class AverageMeter:
    def __init__(self):
        self.sum, self.n = 0.0, 0

    def update(self, value, n=1):
        self.sum += value * n
        self.n += n

    @property
    def avg(self):
        return self.sum / max(self.n, 1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(x)


torch.manual_seed(0)
net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(2):
    meter = AverageMeter()
    for _ in range(3):
        x, y = torch.randn(5, 3), torch.randint(0, 2, (5,))
        meter.update(nn.functional.cross_entropy(net(x), y).item(), len(x))
    loss = torch.tensor(meter.avg, requires_grad=True)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(epoch, loss.item())
