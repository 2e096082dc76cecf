"""Encoder inversion: the encoder is trained against a critic, the critic with the other loss."""
import torch
import torch.nn.functional as F
from torch import nn


class Inverter(nn.Module):
    def __init__(self, d=10, z=4):
        super().__init__()
        self.to_code = nn.Linear(d, z)
        self.to_image = nn.Linear(z, d)

    def forward(self, x):
        return self.to_image(torch.tanh(self.to_code(x)))


class Critic(nn.Module):
    def __init__(self, d=10):
        super().__init__()
        self.judge = nn.Sequential(nn.Linear(d, 12), nn.LeakyReLU(0.2), nn.Linear(12, 1))

    def forward(self, x):
        return self.judge(x)


def encoder_step(E, D, optimizer_E, real):
    rebuilt = E(real)
    loss = F.mse_loss(rebuilt, real) + 0.1 * F.softplus(-D(rebuilt)).mean()
    optimizer_E.zero_grad()
    loss.backward()
    optimizer_E.step()
    return loss.item()


def critic_step(E, D, optimizer_D, real):
    with torch.no_grad():
        rebuilt = E(real)
    loss = F.softplus(D(rebuilt)).mean() + F.softplus(-D(real)).mean()
    loss.backward()
    optimizer_D.step()
    return loss.item()


def main(steps=4):
    torch.manual_seed(0)
    E, D = Inverter(), Critic()
    optimizer_E = torch.optim.Adam(E.parameters(), lr=2e-3)
    optimizer_D = torch.optim.Adam(D.parameters(), lr=2e-3)
    for step in range(steps):
        real = torch.randn(12, 10)
        print(step, encoder_step(E, D, optimizer_E, real), critic_step(E, D, optimizer_D, real))


if __name__ == "__main__":
    main()
