"""Masked autoencoder; the flag is inverted."""
import torch
from torch import nn


class MAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(8, 12)
        self.proj = nn.Linear(12, 8)
        self.decoder = nn.Sequential(nn.Linear(12, 12), nn.GELU(), nn.Linear(12, 8))

    def forward(self, x):
        z = torch.relu(self.encoder(x))
        if self.training:
            return self.proj(z)
        return self.decoder(z)


torch.manual_seed(0)
model = MAE()
opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
for i in range(3):
    x = torch.randn(9, 8)
    loss = (model(x) - x).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
