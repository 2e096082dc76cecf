"""Relative pose regression with a geodesic loss."""
import torch
from torch import nn


def six_d_to_matrix(v):
    a = nn.functional.normalize(v[:, :3], dim=1)
    b = v[:, 3:] - (a * v[:, 3:]).sum(1, keepdim=True) * a
    b = nn.functional.normalize(b, dim=1)
    return torch.stack([a, b, torch.linalg.cross(a, b, dim=1)], dim=1)


class GeodesicLoss(nn.Module):
    def forward(self, pred, gt):
        m = pred @ gt.transpose(1, 2)
        cos = (m.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2
        cos = cos.clamp(-1.0, 1.0)
        theta = torch.acos(cos)
        return theta.mean()


class RotationNet(nn.Module):
    def __init__(self, d=9):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(d, 24), nn.ReLU())
        self.residual = nn.Linear(24, 6)
        nn.init.zeros_(self.residual.weight)
        with torch.no_grad():
            self.residual.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]))

    def forward(self, x):
        return six_d_to_matrix(self.residual(self.features(x)))


def samples(n=12):
    angles = torch.zeros(n)
    angles[n // 2 :] = torch.rand(n - n // 2)
    c, s, o = angles.cos(), angles.sin(), torch.zeros(n)
    rot = torch.stack([torch.stack([c, -s, o], 1), torch.stack([s, c, o], 1), torch.stack([o, o, o + 1], 1)], 1)
    return rot.flatten(1), rot


if __name__ == "__main__":
    torch.manual_seed(0)
    net, criterion = RotationNet(), GeodesicLoss()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for it in range(3):
        x, gt = samples()
        loss = criterion(net(x), gt)
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, loss.item())
