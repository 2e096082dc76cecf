"""Inverted residual block whose shortcut is made when the channel counts differ."""
import torch
from torch import nn


class InvertedResidual(nn.Module):
    def __init__(self, c_in, c_out, expand=2):
        super().__init__()
        self.expand = nn.Conv2d(c_in, c_in * expand, 1)
        self.depth = nn.Conv2d(c_in * expand, c_in * expand, 3, padding=1, groups=c_in * expand)
        self.project = nn.Conv2d(c_in * expand, c_out, 1)
        self.c_in, self.c_out = c_in, c_out

    def forward(self, x):
        y = torch.relu(self.expand(x))
        y = self.project(torch.relu(self.depth(y)))
        if self.c_in != self.c_out:
            shortcut = nn.Conv2d(self.c_in, self.c_out, 1)
            x = shortcut(x)
        return x + y


class MobileUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.block1 = InvertedResidual(3, 6)
        self.block2 = InvertedResidual(6, 6)
        self.head = nn.Conv2d(6, 1, 1)

    def forward(self, x):
        return self.head(self.block2(self.block1(x)))


def main():
    torch.manual_seed(0)
    model = MobileUNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for it in range(3):
        x = torch.rand(2, 3, 8, 8)
        loss = nn.functional.binary_cross_entropy_with_logits(model(x), (x[:, :1] > 0.5).float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
