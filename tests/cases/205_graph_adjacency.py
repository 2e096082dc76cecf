"""Adaptive graph convolution: the adjacency is predicted from the node features."""
import torch
import torch.nn.functional as F
from torch import nn


class AdaptiveAdjacency(nn.Module):
    def __init__(self, d, inner):
        super().__init__()
        self.W_theta = nn.Linear(d, inner, bias=False)
        self.W_phi = nn.Linear(d, inner, bias=False)

    def forward(self, x):
        sim = self.W_theta(x) @ self.W_phi(x).transpose(1, 2)
        adj = F.softmax(sim, dim=-1)
        degree = adj.sum(-1, keepdim=True).clamp(min=1e-6)
        return adj / degree


class GraphBlock(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.adjacency = AdaptiveAdjacency(d_in, 6)
        self.transform = nn.Linear(d_in, d_out)

    def forward(self, x):
        adj = self.adjacency(x).detach()
        return F.leaky_relu(adj @ self.transform(x))


class NodeLabeler(nn.Module):
    def __init__(self, d=8, n_cls=4):
        super().__init__()
        self.blocks = nn.ModuleDict({"g1": GraphBlock(d, 12), "g2": GraphBlock(12, 12)})
        self.out = nn.Linear(12, n_cls)

    def forward(self, x):
        for block in self.blocks.values():
            x = block(x)
        return self.out(x)


def main():
    torch.manual_seed(0)
    model = NodeLabeler()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for it in range(4):
        nodes = torch.randn(3, 10, 8)
        labels = nodes[..., :4].argmax(-1)
        loss = F.cross_entropy(model(nodes).flatten(0, 1), labels.flatten())
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, round(loss.item(), 4))


if __name__ == "__main__":
    main()
