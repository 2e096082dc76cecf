"""A codebook kept as an average."""
import torch
from torch import nn
class VQ(nn.Module):
    def __init__(self, k=16, d=4):
        super().__init__()
        self.register_buffer("book", torch.randn(k, d)); self.register_buffer("n", torch.ones(k))
    def forward(self, z):
        idx = torch.cdist(z, self.book).argmin(1)
        q = self.book[idx]
        if self.training:
            with torch.no_grad():
                one = nn.functional.one_hot(idx, len(self.book)).float()
                self.n.mul_(.99).add_(one.sum(0), alpha=.01)
                self.book.mul_(.99).add_(one.T @ z / self.n.clamp_min(1e-2)[:, None], alpha=.01)
        return z + (q - z).detach(), (z - q.detach()).pow(2).mean()
torch.manual_seed(0)
enc, vq, dec = nn.Linear(6, 4), VQ(), nn.Linear(4, 6)
opt = torch.optim.Adam([*enc.parameters(), *dec.parameters()], 1e-3)
for _ in range(4):
    x = torch.randn(32, 6)
    q, commit = vq(enc(x))
    loss = (dec(q) - x).pow(2).mean() + .25 * commit
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
