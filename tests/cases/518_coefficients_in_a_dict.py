"""Inverse PINN: the physical coefficients sit in a dict of tensors that is optimized beside the network."""
import torch
from torch import nn


class PINN(nn.Module):
    def __init__(self, width=20):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))
        self.coeff = {"nu": torch.tensor(0.1, requires_grad=True), "c": torch.tensor(1.0, requires_grad=True)}

    def forward(self, x, t):
        return self.net(torch.cat([x, t], 1))


def d(u, v):
    return torch.autograd.grad(u, v, torch.ones_like(u), create_graph=True)[0]


def residual(model, x, t):
    x, t = x.requires_grad_(), t.requires_grad_()
    u = model(x, t)
    u_x, u_t = d(u, x), d(u, t)
    return u_t + model.coeff["c"] * u_x - model.coeff["nu"] * d(u_x, x)


def main():
    torch.manual_seed(0)
    model = PINN()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for it in range(3):
        x, t = torch.rand(32, 1), torch.rand(32, 1)
        data = (model(x, t * 0) - torch.sin(3 * x)).pow(2).mean()
        loss = data + residual(model, x, t).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, loss.item(), {k: v.item() for k, v in model.coeff.items()})


if __name__ == "__main__":
    main()
