"""Graph network: the edge MLP's messages are computed and then shadowed by the node features."""
import torch
from torch import nn


class EdgeConv(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.edge = nn.Sequential(nn.Linear(2 * d, d), nn.ReLU(), nn.Linear(d, d))
        self.node = nn.Linear(d, d)
        self.norm = nn.LayerNorm(d)

    def message(self, x, src, dst):
        return self.edge(torch.cat([x[src], x[dst]], dim=1))

    def aggregate(self, msg, dst, n):
        return torch.zeros(n, msg.shape[1]).index_add_(0, dst, msg)

    def forward(self, x, edges):
        src, dst = edges
        agg = self.aggregate(self.message(x, src, dst), dst, len(x))
        agg = self.aggregate(x[src], dst, len(x))
        return self.norm(torch.relu(self.node(x) + agg))


class GraphNet(nn.Module):
    def __init__(self, d=6, depth=2):
        super().__init__()
        self.layers = nn.ModuleDict({f"conv{i}": EdgeConv(d) for i in range(depth)})
        self.readout = nn.Linear(d, 1)

    def forward(self, x, edges, batch=None):
        for conv in self.layers.values():
            x = conv(x, edges)
        return self.readout(x.mean(0))


def main():
    torch.manual_seed(0)
    net = GraphNet()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=5e-4)
    for it in range(4):
        x, edges = torch.randn(9, 6), torch.randint(0, 9, (2, 20))
        loss = (net(x, edges) - x.sum()).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
