"""Sparse token selection."""
import torch
from torch import nn


class Selector(nn.Module):
    def __init__(self, d=8, k=3):
        super().__init__()
        self.k = k
        self.scorer = nn.Linear(d, 1)
        self.value = nn.Linear(d, d)
        self.out = nn.Linear(d, 2)

    def forward(self, tokens):
        scores = self.scorer(tokens).squeeze(-1)
        idx = scores.topk(self.k, dim=1).indices
        mask = torch.zeros_like(scores).scatter_(1, idx, 1.0)
        v = self.value(tokens) * mask.unsqueeze(-1)
        return self.out(v.sum(1))


def fit():
    torch.manual_seed(0)
    m = Selector()
    opt = torch.optim.AdamW(m.parameters(), lr=1e-3)
    for i in range(3):
        x, y = torch.randn(10, 6, 8), torch.randint(0, 2, (10,))
        loss = nn.functional.cross_entropy(m(x), y)
        opt.zero_grad(); loss.backward(); opt.step()
        print(i, loss.item())


fit()
