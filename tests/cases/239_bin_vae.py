"""Variational autoencoder over relative abundances (multinomial reconstruction)."""
import torch
from torch import nn


class AbundanceVAE(nn.Module):
    def __init__(self, samples=10, latent=4, h=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(samples, h), nn.LeakyReLU())
        self.mu = nn.Linear(h, latent)
        self.logsigma = nn.Linear(h, latent)
        self.decoder = nn.Linear(latent, samples)

    def forward(self, depths):
        h = self.encoder(depths)
        mu, logsigma = self.mu(h), self.logsigma(h)
        z = mu + torch.randn_like(mu) * (logsigma / 2).exp()
        return torch.softmax(self.decoder(z) * 60, dim=1), mu, logsigma


def elbo(depths, out, mu, logsigma, beta=0.1):
    ce = -(depths * out.log()).sum(dim=1).mean()
    kld = -0.5 * (1 + logsigma - mu.pow(2) - logsigma.exp()).sum(dim=1).mean()
    return ce + beta * kld


def train(model, depths, epochs=3):
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        for batch in depths.split(32):
            opt.zero_grad()
            loss = elbo(batch, *model(batch))
            loss.backward()
            opt.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    torch.manual_seed(0)
    counts = torch.poisson(torch.full((64, 10), 0.7))
    counts[:, 0] += 1
    train(AbundanceVAE(), counts / counts.sum(dim=1, keepdim=True))
