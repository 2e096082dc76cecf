"""Two tasks, uncertainty weights."""
import math
import torch
from torch import nn


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Linear(8, 16)
        self.depth = nn.Linear(16, 1)
        self.normals = nn.Linear(16, 3)
        self.log_weight = nn.Parameter(torch.full((2,), 0.3))

    def forward(self, x):
        h = torch.relu(self.trunk(x))
        return self.depth(h), self.normals(h)

    def weights(self):
        return [math.exp(-float(v)) for v in self.log_weight]


model = MultiTask()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
torch.manual_seed(0)
for i in range(4):
    x = torch.randn(12, 8)
    d, n = model(x)
    w = model.weights()
    l1 = (d - x[:, :1]).pow(2).mean()
    l2 = (n - x[:, 1:4]).pow(2).mean()
    loss = w[0] * l1 + w[1] * l2
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, float(loss))
