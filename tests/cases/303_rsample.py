"""A small variational autoencoder."""
import torch
from torch import nn
from torch.distributions import Normal


class VAE(nn.Module):
    def __init__(self, d=12, z=3):
        super().__init__()
        self.encoder = nn.Linear(d, 16)
        self.to_mu = nn.Linear(16, z)
        self.to_std = nn.Linear(16, z)
        self.decoder = nn.Sequential(nn.Linear(z, 16), nn.ReLU(), nn.Linear(16, d))

    def forward(self, x):
        h = torch.relu(self.encoder(x))
        q = Normal(self.to_mu(h), nn.functional.softplus(self.to_std(h)) + 1e-3)
        z = q.sample()
        return self.decoder(z)


def run():
    torch.manual_seed(0)
    vae = VAE()
    opt = torch.optim.Adam(vae.parameters(), lr=1e-3)
    for step in range(4):
        x = torch.rand(16, 12)
        loss = nn.functional.binary_cross_entropy_with_logits(vae(x), x)
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(step, loss.item())


if __name__ == "__main__":
    run()
