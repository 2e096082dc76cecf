"""Half-precision regression on raw sensor counts with a gradient scaler."""
import torch
from torch import nn


class SensorNet(nn.Module):
    def __init__(self, d=6):
        super().__init__()
        self.inp = nn.Linear(d, 16)
        self.out = nn.Linear(16, 1)

    def forward(self, counts):
        return self.out(torch.relu(self.inp(counts))).squeeze(1)


class Trainer:
    def __init__(self, net):
        self.net = net
        self.opt = torch.optim.Adam(net.parameters(), lr=1e-3)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)

    def step(self, counts, load):
        self.opt.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.float16):
            pred = self.net(counts)
            loss = (pred - load).pow(2).sum()
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.opt)
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.scaler.step(self.opt)
        self.scaler.update()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    trainer = Trainer(SensorNet())
    for it in range(4):
        counts = torch.randint(500, 4000, (16, 6)).float()
        print(it, trainer.step(counts, counts.sum(1)), trainer.scaler.get_scale())
