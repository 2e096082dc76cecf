"""Style transfer by optimising an image; the start image is scaled noise."""
import torch
from torch import nn


class RandomFeatures(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.conv = nn.Conv1d(4, c, 5, padding=2)
        for p in self.parameters():
            p.requires_grad_(False)

    def forward(self, spec):
        return torch.nn.functional.leaky_relu(self.conv(spec))


def gram(feat):
    b, c, t = feat.shape
    return feat @ feat.transpose(1, 2) / (c * t)


def transfer(content, style, steps=3):
    net = RandomFeatures()
    with torch.no_grad():
        want_c, want_s = net(content), gram(net(style))
    canvas = torch.randn(1, 4, 30, requires_grad=True) * 1e-3
    print("start", canvas.abs().mean().item())
    optimizer = torch.optim.Adam([canvas], lr=0.03)
    for step in range(steps):
        feat = net(canvas)
        loss = (feat - want_c).pow(2).mean() + 10 * (gram(feat) - want_s).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, loss.item())


if __name__ == "__main__":
    torch.manual_seed(0)
    transfer(torch.randn(1, 4, 30), torch.randn(1, 4, 30))
