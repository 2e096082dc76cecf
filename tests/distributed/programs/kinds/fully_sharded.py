"""FSDP2 with mixed precision, gradient accumulation and activation checkpointing; and over a mesh of two dimensions."""

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.utils.checkpoint import checkpoint


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.lin = nn.Linear(inputs, outputs)

    def forward(self, x):
        return checkpoint(lambda t: torch.tanh(self.lin(t)), x, use_reentrant=False)


def run(mesh=None, policy=None, micro_batches=2):
    mesh = mesh or init_device_mesh("cpu", (2,))
    policy = policy or MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    torch.manual_seed(0)
    net = nn.Sequential(Block(4, 8), Block(8, 4), nn.Linear(4, 1))
    for part in (net[0], net[1], net):
        fully_shard(part, mesh=mesh, mp_policy=policy)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    torch.manual_seed(dist.get_rank())
    for _ in range(3):
        optimizer.zero_grad()
        for micro in range(micro_batches):
            net.set_requires_gradient_sync(micro == micro_batches - 1)
            loss = net(torch.randn(8, 4)).pow(2).mean()
            loss.backward()
        optimizer.step()
    return loss.item()


def run_hybrid():
    mesh = init_device_mesh("cpu", (2, 1), mesh_dim_names=("replicate", "shard"))
    return run(mesh, MixedPrecisionPolicy(), micro_batches=1)
