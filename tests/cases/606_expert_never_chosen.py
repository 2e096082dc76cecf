"""Sparse mixture of experts."""
import torch
from torch import nn
class MoE(nn.Module):
    def __init__(self, d=8, n=4):
        super().__init__()
        self.inp = nn.Linear(4, d)
        self.router = nn.Linear(d, n)
        self.experts = nn.ModuleList(nn.Linear(d, 1) for _ in range(n))
    def forward(self, x):
        h = torch.tanh(self.inp(x))
        gates = self.router(h).softmax(-1)
        w, idx = gates.topk(1, dim=-1)
        out = torch.zeros(len(x), 1)
        for i, e in enumerate(self.experts):
            rows = (idx == i).any(-1)
            if rows.any():
                out = out.index_put((rows.nonzero().squeeze(-1),), w[rows] * e(h[rows]))
        return out
torch.manual_seed(0)
net = MoE()
net.router.bias.data[3] = -9.
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(4):
    x = torch.randn(32, 4)
    loss = (net(x) - x.sum(1, keepdim=True)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
