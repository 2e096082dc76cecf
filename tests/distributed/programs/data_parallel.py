"""Healthy DDP with gradient accumulation under no_sync; the argument ``static`` makes the graph static."""

import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
torch.manual_seed(0)
inner = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
net = DistributedDataParallel(inner, static_graph="static" in sys.argv)
optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
torch.manual_seed(dist.get_rank())
for _ in range(3):
    optimizer.zero_grad()
    if "static" not in sys.argv:
        with net.no_sync():
            net(torch.randn(8, 4)).pow(2).mean().backward()
    net(torch.randn(8, 4)).pow(2).mean().backward()
    optimizer.step()
print("loss ok")
dist.destroy_process_group()
