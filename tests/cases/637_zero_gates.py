"""Blocks whose gates start at zero."""
import torch
from torch import nn
class DiTBlock(nn.Module):
    def __init__(self, d=8):
        super().__init__()
        self.norm, self.mlp, self.ada = nn.LayerNorm(d, elementwise_affine=False), nn.Sequential(nn.Linear(d, 16), nn.GELU(), nn.Linear(16, d)), nn.Linear(d, 3 * d)
        nn.init.zeros_(self.ada.weight); nn.init.zeros_(self.ada.bias)
    def forward(self, x, c):
        s, b, g = self.ada(nn.functional.silu(c)).chunk(3, -1)
        return x + g * self.mlp(self.norm(x) * (1 + s) + b)
class DiT(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp, self.t, self.blocks, self.out = nn.Linear(2, 8), nn.Linear(1, 8), nn.ModuleList(DiTBlock() for _ in range(2)), nn.Linear(8, 2)
    def forward(self, x, t):
        h, c = self.inp(x), self.t(t)
        for b in self.blocks: h = b(h, c)
        return self.out(h)
torch.manual_seed(0)
net = DiT()
opt = torch.optim.AdamW(net.parameters(), 1e-3)
for _ in range(5):
    x, t = torch.randn(32, 2), torch.rand(32, 1)
    loss = (net(x, t) - x).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
