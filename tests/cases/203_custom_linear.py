"""A hand-written dense layer in an otherwise ordinary network."""
import torch
from torch import nn


class DenseReLU(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(in_units, units) * 0.3)
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, x):
        linear = torch.matmul(x, self.weight.data) + self.bias.data
        return torch.relu(linear)


class HousePrices(nn.Module):
    def __init__(self, d=9):
        super().__init__()
        self.front = nn.Linear(d, 16)
        self.dense = DenseReLU(16, 12)
        self.price = nn.Linear(12, 1)

    def forward(self, x):
        return self.price(self.dense(torch.relu(self.front(x)))).squeeze(1)


def fit(net, x, y, epochs=3):
    trainer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(epochs):
        for xb, yb in zip(x.split(16), y.split(16)):
            loss = nn.functional.mse_loss(net(xb), yb)
            trainer.zero_grad()
            loss.backward()
            trainer.step()
        print("epoch", epoch, "mse", round(loss.item(), 4))


if __name__ == "__main__":
    torch.manual_seed(2)
    features = torch.randn(48, 9)
    fit(HousePrices(), features, features[:, 0] * 2 - features[:, 1])
