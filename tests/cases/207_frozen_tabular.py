"""Learn a preprocessing step in front of a fixed table model."""
import torch
from torch import nn


class TableModel(nn.Module):
    """Stands for a downloaded model: its inference path turns gradients off."""

    def __init__(self, d=6, width=12, n_cls=3):
        super().__init__()
        self.cols = nn.Linear(d, width)
        self.rows = nn.Linear(width, width)
        self.head = nn.Linear(width, n_cls)

    def _embed(self, table):
        return torch.tanh(self.rows(torch.tanh(self.cols(table))))

    def forward(self, table):
        if self.training:
            emb = self._embed(table)
        else:
            with torch.no_grad():
                emb = self._embed(table)
        return self.head(emb)


class Prepared(nn.Module):
    def __init__(self, backbone, raw=9, d=6):
        super().__init__()
        self.prep = nn.Sequential(nn.Linear(raw, d), nn.Tanh())
        self.backbone = backbone
        self.calibrate = nn.Parameter(torch.ones(3))
        for p in self.backbone.parameters():
            p.requires_grad = False

    def forward(self, raw):
        return self.backbone(self.prep(raw)) * self.calibrate


def build():
    model = Prepared(TableModel())
    model.train()
    model.backbone.eval()
    return model


def main():
    torch.manual_seed(0)
    model = build()
    opt = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=1e-2)
    for epoch in range(4):
        raw = torch.randn(20, 9)
        loss = nn.functional.cross_entropy(model(raw), raw[:, :3].argmax(1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
