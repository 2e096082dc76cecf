"""Alpha matting: a coarse base and a refiner, both clamped to the valid range."""
import torch
from torch import nn


class MattingBase(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.encode = nn.Sequential(nn.Conv2d(3, c, 3, padding=1), nn.ReLU())
        self.alpha = nn.Conv2d(c, 1, 1)
        nn.init.constant_(self.alpha.bias, 3.0)

    def forward(self, x):
        return self.alpha(self.encode(x)).clamp(0, 1)


class MattingRefine(nn.Module):
    def __init__(self, c=6):
        super().__init__()
        self.stack = nn.Sequential(nn.Conv2d(4, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, 1, 3, padding=1))

    def forward(self, x, coarse):
        return coarse - self.stack(torch.cat([x, coarse], dim=1)).abs()


class Matting(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = MattingBase()
        self.refine = MattingRefine()

    def forward(self, x):
        coarse = self.base(x)
        return coarse, self.refine(x, coarse)


def compute_loss(coarse, fine, true):
    return nn.functional.l1_loss(coarse, true) + nn.functional.l1_loss(fine, true)


def main():
    torch.manual_seed(0)
    model = Matting()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(4):
        image = torch.rand(2, 3, 8, 8)
        coarse, fine = model(image)
        loss = compute_loss(coarse, fine, image.mean(1, keepdim=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, loss.item())


if __name__ == "__main__":
    main()
