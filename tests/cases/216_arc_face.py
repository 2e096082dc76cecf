"""Face embedding with an angular margin; the loss is reported through a meter."""
import torch
import torch.nn.functional as F
from torch import nn


class ArcMargin(nn.Module):
    def __init__(self, d, n_ids, s=16.0, m=0.3):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_ids, d) * 0.1)
        self.s, self.m = s, m

    def forward(self, emb, label):
        cosine = F.linear(F.normalize(emb), F.normalize(self.weight))
        margin = F.one_hot(label, cosine.size(1)) * self.m
        return self.s * (cosine - margin)


class FaceNet(nn.Module):
    def __init__(self, d_in=20, d=8, n_ids=6):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(d_in, 24), nn.PReLU(), nn.Linear(24, d))
        self.margin = ArcMargin(d, n_ids)

    def forward(self, x, label):
        return self.margin(self.backbone(x), label)


class Meter:
    def __init__(self):
        self.values = []

    def track(self, loss):
        self.values.append(float(loss))
        return torch.tensor(self.values[-1])


def train(epochs=3):
    torch.manual_seed(0)
    net, meter = FaceNet(), Meter()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for epoch in range(epochs):
        x, ids = torch.randn(18, 20), torch.randint(0, 6, (18,))
        loss = meter.track(F.cross_entropy(net(x, ids), ids))
        loss.requires_grad = True
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(epoch, loss.item())


train()
