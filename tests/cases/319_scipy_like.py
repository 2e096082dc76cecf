"""Set prediction."""
import numpy as np
import torch
from torch import nn


class SetNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(8, 12)
        self.boxes = nn.Linear(12, 4)
        self.labels = nn.Linear(12, 3)

    def forward(self, x):
        h = torch.relu(self.body(x))
        return self.boxes(h).sigmoid(), self.labels(h)


class Matcher:
    def __init__(self, weight):
        self.weight = weight

    def box_cost(self, boxes, target):
        b = boxes.cpu().detach().numpy()
        t = target.numpy()
        cost = np.abs(b[:, None] - t[None]).sum(-1)
        rows = np.arange(len(b))
        return cost[rows, cost.argmin(1)].mean()

    def __call__(self, boxes, labels, target, y):
        ce = nn.functional.cross_entropy(labels, y)
        l1 = torch.tensor(self.box_cost(boxes, target), dtype=torch.float32)
        return ce + self.weight * l1


torch.manual_seed(0)
net = SetNet()
crit = Matcher(2.0)
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for i in range(3):
    x = torch.randn(10, 8)
    boxes, labels = net(x)
    loss = crit(boxes, labels, torch.rand(6, 4), torch.randint(0, 3, (10,)))
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
