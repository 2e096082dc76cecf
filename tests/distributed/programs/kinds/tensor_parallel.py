"""Tensor parallel: DTensor parameters, split by columns and rows; one layer is never called."""

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, SequenceParallel, parallelize_module


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(4)
        self.up, self.down, self.unused = nn.Linear(4, 8), nn.Linear(8, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.down(torch.relu(self.up(self.norm(x))))


def run(sequence=False):
    mesh = init_device_mesh("cpu", (2,))
    torch.manual_seed(0)
    net = Net()
    plan = {"up": ColwiseParallel(), "down": RowwiseParallel(), "unused": ColwiseParallel()}
    if sequence:
        plan["norm"] = SequenceParallel()
        plan["up"] = ColwiseParallel(input_layouts=Shard(1))
        plan["down"] = RowwiseParallel(output_layouts=Replicate())
    parallelize_module(net, mesh, plan)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
    x = torch.randn(3, 6, 4)
    for _ in range(3):
        optimizer.zero_grad()
        loss = net(x).pow(2).mean()
        loss.backward()
        optimizer.step()
    return loss.item()


def run_sequence():
    return run(sequence=True)
