"""Training with two optimizers made by a loop over modules that share an embedding."""
import torch
from torch import nn


class Tower(nn.Module):
    def __init__(self, table, d, h):
        super().__init__()
        self.table = table
        self.net = nn.Sequential(nn.Linear(d, h), nn.ReLU(), nn.Linear(h, 1))

    def forward(self, ids):
        return self.net(self.table(ids).mean(dim=1)).squeeze(1)


class ClickAndBuy(nn.Module):
    def __init__(self, items=25, d=8):
        super().__init__()
        self.items = nn.Embedding(items, d)
        self.click = Tower(self.items, d, 12)
        self.buy = Tower(self.items, d, 12)

    def forward(self, ids):
        return self.click(ids), self.buy(ids)


def main():
    torch.manual_seed(0)
    model = ClickAndBuy()
    optimizers = [torch.optim.Adam(tower.parameters(), lr=3e-3) for tower in (model.click, model.buy)]
    bce = nn.BCEWithLogitsLoss()
    for step in range(4):
        ids = torch.randint(0, 25, (16, 4))
        click, buy = model(ids)
        loss = bce(click, (ids[:, 0] > 12).float()) + bce(buy, (ids[:, 1] > 18).float())
        for opt in optimizers:
            opt.zero_grad()
        loss.backward()
        for opt in optimizers:
            opt.step()
        print(step, loss.item())


if __name__ == "__main__":
    main()
