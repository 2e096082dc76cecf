"""Pipeline parallel: each rank runs its own part of a model; schedules with one and with two stages per rank."""

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.pipelining import PipelineStage, Schedule1F1B, ScheduleInterleaved1F1B


def loss_of(output, target):
    return (output - target).pow(2).mean()


def run():
    rank = dist.get_rank()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 1))
    part = net[:2] if rank == 0 else net[2:]
    stage = PipelineStage(part, rank, 2, torch.device("cpu"))
    schedule = Schedule1F1B(stage, n_microbatches=4, loss_fn=loss_of)
    return train(schedule, part.parameters(), first=rank == 0)


def run_interleaved():
    """All four parts look alike: only the stage tells whose parameters they are."""
    rank = dist.get_rank()
    parts = []
    for number in (rank, rank + 2):
        torch.manual_seed(number)
        parts.append(nn.Sequential(nn.Linear(4, 4), nn.Tanh()))
    stages = [PipelineStage(part, rank + 2 * i, 4, torch.device("cpu")) for i, part in enumerate(parts)]
    schedule = ScheduleInterleaved1F1B(stages, n_microbatches=4, loss_fn=loss_of)
    return train(schedule, [p for part in parts for p in part.parameters()], first=rank == 0, width=4)


def train(schedule, parameters, first, width=1):
    optimizer = torch.optim.AdamW(parameters, lr=0.01)
    torch.manual_seed(9)
    x, y = torch.randn(8, 4), torch.randn(8, width)
    for _ in range(3):
        optimizer.zero_grad()
        losses = []
        if first:
            schedule.step(x)
        else:
            schedule.step(target=y, losses=losses)
        optimizer.step()
    return sum(loss.item() for loss in losses)
