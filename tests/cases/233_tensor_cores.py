"""Layer with a weight in factorised form (two cores and a mixing matrix)."""
import torch
from torch import nn


def randn_cores(n, d_in, d_out, rank):
    first = torch.randn(n, d_in, rank, requires_grad=True)
    second = torch.randn(n, rank, d_out, requires_grad=True)
    return [first, second]


class FactorisedLinear(nn.Module):
    def __init__(self, n, d_in, d_out, rank=3):
        super().__init__()
        self.cores = randn_cores(n, d_in, d_out, rank)
        self.gain = (torch.ones(n) / n).requires_grad_()
        self.bias = nn.Parameter(torch.zeros(d_out))

    def forward(self, x):
        weight = torch.einsum("n,nir,nro->io", self.gain, *self.cores)
        return x @ weight + self.bias


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(6, 10)
        self.factor = FactorisedLinear(2, 10, 10)
        self.out = nn.Linear(10, 1)

    def forward(self, x):
        return self.out(torch.tanh(self.factor(torch.tanh(self.embed(x))))).squeeze(1)


def main():
    torch.manual_seed(0)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-4)
    for epoch in range(4):
        x = torch.randn(20, 6)
        loss = nn.functional.mse_loss(model(x), x[:, 0] * x[:, 1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
