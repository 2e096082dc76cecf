"""VQ-VAE: the codebook loss uses the wrong stop-gradient, so the codebook is never pulled."""
import torch
from torch import nn
import torch.nn.functional as F


class Quantizer(nn.Module):
    def __init__(self, n=16, d=4, beta=0.25):
        super().__init__()
        self.codebook = nn.Embedding(n, d)
        self.beta = beta

    def forward(self, z):
        idx = torch.cdist(z, self.codebook.weight).argmin(1)
        q = self.codebook(idx)
        loss = F.mse_loss(z, q.detach()) + self.beta * F.mse_loss(q.detach(), z)
        return z + (q - z).detach(), loss, idx


class VQVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 4))
        self.quant = Quantizer()
        self.dec = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 12))

    def forward(self, x):
        q, vq_loss, idx = self.quant(self.enc(x))
        return self.dec(q), vq_loss


def main():
    torch.manual_seed(0)
    model = VQVAE()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for it in range(4):
        x = torch.randn(24, 12)
        recon, vq = model(x)
        loss = F.mse_loss(recon, x) + vq
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        print(it, loss.item(), vq.item())


if __name__ == "__main__":
    main()
