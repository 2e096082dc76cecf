"""Two-stage training: stage two's optimizer is built from a filter made while the backbone was frozen."""
import torch
from torch import nn


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
        self.cls = nn.Linear(16, 3)
        self.box = nn.Linear(16, 4)

    def forward(self, x):
        h = self.backbone(x)
        return {"cls": self.cls(h), "box": self.box(h)}


def freeze(module, frozen=True):
    for p in module.parameters():
        p.requires_grad = not frozen


def trainable(model):
    return [p for p in model.parameters() if p.requires_grad]


def run_stage(model, opt, sched, steps):
    for _ in range(steps):
        x = torch.randn(12, 10)
        out = model(x)
        losses = {"cls": nn.functional.cross_entropy(out["cls"], x[:, :3].argmax(1)), "box": (out["box"] - x[:, :4]).abs().mean()}
        opt.zero_grad()
        sum(losses.values()).backward()
        opt.step()
        sched.step()
    return {k: v.item() for k, v in losses.items()}


def main():
    torch.manual_seed(0)
    model = Detector()
    freeze(model.backbone)
    opt = torch.optim.SGD(trainable(model), lr=0.1, momentum=0.9)
    sched = torch.optim.lr_scheduler.MultiStepLR(opt, [3], 0.1)
    print("stage 1", run_stage(model, opt, sched, 3))
    freeze(model.backbone, False)
    print("stage 2", run_stage(model, opt, sched, 4))


if __name__ == "__main__":
    main()
