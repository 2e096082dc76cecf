"""Blind unmixing of spectra with a small convolutional network."""
import torch
from torch import nn


class UnmixNet(nn.Module):
    def __init__(self, bands=12, ends=3):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(bands, 16, 3, padding=1), nn.BatchNorm2d(16), nn.LeakyReLU(0.1))
        self.layer2 = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.LeakyReLU(0.1))
        self.skip = nn.Sequential(nn.Conv2d(bands, 4, 1), nn.LeakyReLU(0.1))
        self.layer3 = nn.Conv2d(20, ends, 1)
        self.endmembers = nn.Linear(ends, bands, bias=False)

    def forward(self, cube):
        h1 = self.layer1(cube)
        h2 = torch.cat([h1, self.skip(cube)], dim=1)
        abundance = torch.softmax(self.layer3(h2), dim=1)
        recon = self.endmembers(abundance.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return abundance, recon


def run(iters=4):
    torch.manual_seed(0)
    net = UnmixNet()
    cube = torch.rand(1, 12, 9, 9)
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for it in range(iters):
        abundance, recon = net(cube)
        loss = (recon - cube).pow(2).mean() + 0.01 * abundance.clamp(min=1e-8).sqrt().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(f"{it} {loss.item():.5f}")


run()
