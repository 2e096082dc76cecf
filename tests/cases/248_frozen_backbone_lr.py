"""Face recognition: classification head and backbone in two groups of one config."""
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    base_lr: float = 0.05
    lr_mult: dict = field(default_factory=lambda: {"backbone": 0, "header": 10})
    momentum: float = 0.9


class PartialFC(nn.Module):
    def __init__(self, d, n_ids):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(d, n_ids) * 0.1)

    def forward(self, emb):
        return 16 * F.normalize(emb, dim=1) @ F.normalize(self.kernel, dim=0)


class IResNet(nn.Module):
    def __init__(self, d=10):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.prelu = nn.PReLU(4)
        self.fc = nn.Linear(4 * 16, d)

    def forward(self, x):
        return self.fc(self.prelu(self.conv(x)).flatten(1))


def build_optimizer(cfg, parts):
    groups = []
    for name, module in parts.items():
        groups.append({"params": module.parameters(), "lr": cfg.base_lr * cfg.lr_mult[name]})
    return torch.optim.SGD(groups, lr=cfg.base_lr, momentum=cfg.momentum)


def main(cfg=Config()):
    torch.manual_seed(0)
    backbone, header = IResNet(), PartialFC(10, 5)
    optimizer = build_optimizer(cfg, {"backbone": backbone, "header": header})
    for it in range(4):
        x, y = torch.randn(10, 1, 4, 4), torch.randint(0, 5, (10,))
        loss = F.cross_entropy(header(backbone(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
