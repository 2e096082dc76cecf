"""Routes values by the argmax positions of another branch."""
import torch
from torch import nn
import torch.nn.functional as F


class Router(nn.Module):
    def __init__(self):
        super().__init__()
        self.router = nn.Conv1d(2, 3, 3, padding=1)
        self.body = nn.Conv1d(2, 3, 3, padding=1)
        self.head = nn.Linear(3, 1)

    def forward(self, x):
        _, idx = F.max_pool1d(self.router(x), 2, return_indices=True)
        vals = self.body(x).gather(2, idx)
        return self.head(vals.mean(-1))


torch.manual_seed(0)
net = Router()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for i in range(3):
    loss = (net(torch.randn(4, 2, 8)) - 1).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
