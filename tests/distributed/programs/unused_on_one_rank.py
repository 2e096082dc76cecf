"""DDP: only rank 0 uses ``extra``. With the argument ``find``, DDP looks for unused parameters."""

import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head, self.extra = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(8, 1)

    def forward(self, x, use):
        hidden = torch.relu(self.body(x))
        return self.head(hidden) + self.extra(hidden) if use else self.head(hidden)


dist.init_process_group("gloo")
torch.manual_seed(0)
net = DistributedDataParallel(Net(), find_unused_parameters="find" in sys.argv)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
torch.manual_seed(dist.get_rank())
for _ in range(3):
    optimizer.zero_grad()
    loss = net(torch.randn(8, 4), use=dist.get_rank() == 0).pow(2).mean()
    loss.backward()
    optimizer.step()
dist.destroy_process_group()
