"""Regression with a roughness penalty on a learned filter."""
import numpy as np
import torch
from torch import nn


class Smoother(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(10, 16)
        self.head = nn.Linear(16, 1)
        self.penal = nn.Linear(16, 4)

    def forward(self, x):
        h = torch.tanh(self.body(x))
        return self.head(h).squeeze(-1), self.penal(h)


def roughness(z):
    arr = z.detach().cpu().numpy()
    d = np.diff(arr, axis=1)
    return float((d ** 2).mean())


def main():
    torch.manual_seed(0)
    model = Smoother()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(4):
        x = torch.randn(16, 10)
        pred, z = model(x)
        loss = nn.functional.mse_loss(pred, x.sum(1)) + 0.1 * roughness(z)
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(step, loss.item())


main()
