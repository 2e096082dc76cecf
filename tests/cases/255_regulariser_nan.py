"""Detector heads with an L2 term over the frozen batch-norm statistics that is only reported."""
import torch
from torch import nn


class Heads(nn.Module):
    def __init__(self, d=10):
        super().__init__()
        self.box = nn.Linear(d, 4)
        self.cls = nn.Linear(d, 3)
        self.register_buffer("frozen_scale", torch.zeros(d))

    def forward(self, feats):
        return self.box(feats), self.cls(feats)

    def regularisation(self):
        strength = self.frozen_scale / self.frozen_scale.norm()
        return 1e-4 * strength.pow(2).sum()


def step(model, opt, feats, boxes, labels):
    box, cls = model(feats)
    parts = {
        "box": nn.functional.smooth_l1_loss(box, boxes),
        "cls": nn.functional.cross_entropy(cls, labels),
        "reg": model.regularisation(),
    }
    loss = sum(parts.values())
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss, parts


def main():
    torch.manual_seed(0)
    model = Heads()
    opt = torch.optim.SGD(model.parameters(), lr=0.05)
    for it in range(3):
        feats = torch.randn(8, 10)
        loss, parts = step(model, opt, feats, torch.randn(8, 4), torch.randint(0, 3, (8,)))
        print(it, "loss", loss.item(), {k: v.item() for k, v in parts.items()})


if __name__ == "__main__":
    main()
