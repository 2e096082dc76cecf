"""Relation network with one aggregation weight and one linear map per relation."""
import torch
from torch import nn


class RelationLayer(nn.Module):
    def __init__(self, n_rel, d, d_rel):
        super().__init__()
        self.base = nn.Linear(d, d)
        self.waggrs = {}
        self.maps = {}
        for rel in range(n_rel):
            self.waggrs[f"r{rel}"] = nn.Parameter(1.0 + 0.1 * torch.randn(d_rel))
            self.maps[f"r{rel}"] = nn.Linear(d, d_rel)
        self.merge = nn.Linear(d + d_rel, d)

    def forward(self, x, adj):
        pooled = 0
        for rel, weight in self.waggrs.items():
            pooled = pooled + adj[rel] @ (weight * self.maps[rel](x))
        return torch.relu(self.merge(torch.cat([self.base(x), pooled], dim=1)))


class RelationNet(nn.Module):
    def __init__(self, n_rel=3, d=8):
        super().__init__()
        self.first = RelationLayer(n_rel, d, 5)
        self.readout = nn.Linear(d, 2)

    def forward(self, x, adj):
        return self.readout(self.first(x, adj))


def random_graph(n=12, n_rel=3):
    adj = {f"r{i}": (torch.rand(n, n) < 0.2).float() for i in range(n_rel)}
    return torch.randn(n, 8), adj, torch.randint(0, 2, (n,))


def main(epochs=4):
    torch.manual_seed(0)
    net = RelationNet()
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    for epoch in range(epochs):
        x, adj, y = random_graph()
        loss = nn.functional.cross_entropy(net(x, adj), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
