"""Latent actions from frame pairs through a vector quantizer."""
import torch
import torch.nn.functional as F
from torch import nn


class VectorQuantizer(nn.Module):
    def __init__(self, n_codes=16, d=6):
        super().__init__()
        self.codebook = nn.Embedding(n_codes, d)

    def forward(self, z):
        dist = torch.cdist(z, self.codebook.weight)
        codes = dist.argmin(dim=1)
        q = self.codebook(codes)
        z_q = z + (q - z).detach()
        return z_q, codes


class LatentAction(nn.Module):
    def __init__(self, frame=10, d=6):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(2 * frame, 20), nn.GELU(), nn.Linear(20, d))
        self.vq = VectorQuantizer(d=d)
        self.decode = nn.Sequential(nn.Linear(frame + d, 20), nn.GELU(), nn.Linear(20, frame))

    def forward(self, now, nxt):
        z_e = self.encode(torch.cat([now, nxt], dim=1))
        z_q, codes = self.vq(z_e)
        return self.decode(torch.cat([now, z_q], dim=1)), z_e, z_q, codes

    def losses(self, now, nxt, beta=0.25):
        pred, z_e, z_q, codes = self(now, nxt)
        return {
            "recon": F.mse_loss(pred, nxt),
            "codebook": F.mse_loss(z_q, z_e.detach()),
            "commit": beta * F.mse_loss(z_e, z_q.detach()),
        }, codes


def main():
    torch.manual_seed(0)
    lam = LatentAction()
    opt = torch.optim.AdamW(lam.parameters(), lr=3e-3, weight_decay=0.0)
    for it in range(4):
        now = torch.randn(16, 10)
        losses, codes = lam.losses(now, now.roll(1, dims=1))
        opt.zero_grad()
        sum(losses.values()).backward()
        opt.step()
        print(it, {k: round(v.item(), 4) for k, v in losses.items()}, codes.unique().numel())


if __name__ == "__main__":
    main()
