"""Transformer-like block whose feed-forward part is a top-1 mixture of experts."""
import torch
from torch import nn


class TopKGate(nn.Module):
    def __init__(self, d, n_experts, k):
        super().__init__()
        self.w_gate = nn.Parameter(torch.randn(d, n_experts) * 0.1)
        self.k = k

    def forward(self, x):
        logits = x @ self.w_gate
        top_logits, top_idx = logits.topk(self.k, dim=1)
        gates = torch.softmax(top_logits, dim=1)
        return torch.zeros_like(logits).scatter(1, top_idx, gates)


class SparseFFN(nn.Module):
    def __init__(self, d=8, n_experts=3, k=1):
        super().__init__()
        self.gate = TopKGate(d, n_experts, k)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(d, 16), nn.ReLU(), nn.Linear(16, d)) for _ in range(n_experts))

    def forward(self, x):
        gates = self.gate(x)
        y = sum(gates[:, i : i + 1] * e(x) for i, e in enumerate(self.experts))
        return x + y


class Forecaster(nn.Module):
    def __init__(self, d=8):
        super().__init__()
        self.inp = nn.Linear(5, d)
        self.ffn = SparseFFN(d)
        self.out = nn.Linear(d, 1)

    def forward(self, x):
        return self.out(self.ffn(self.inp(x))).squeeze(1)


def main():
    torch.manual_seed(0)
    net = Forecaster()
    opt = torch.optim.SGD(net.parameters(), lr=0.02)
    for step in range(5):
        x = torch.randn(32, 5)
        loss = (net(x) - x.pow(2).sum(1)).abs().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(step, loss.item())


if __name__ == "__main__":
    main()
