"""Rank 1 builds another model than rank 0: a wider layer, and one layer more. Nothing is exchanged."""

import torch
import torch.distributed as dist
from torch import nn


def run():
    torch.manual_seed(0)
    if dist.get_rank() == 0:
        net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    else:
        net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1), nn.Linear(1, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = net(torch.ones(2, 4)).pow(2).mean()
        loss.backward()
        optimizer.step()
    return loss.item()
