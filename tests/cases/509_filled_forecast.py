"""Forecasting with a stateful LSTM; predictions are collected in a preallocated tensor's data."""
import torch
from torch import nn


class Forecaster(nn.Module):
    def __init__(self, hidden=12):
        super().__init__()
        self.cell = nn.LSTMCell(1, hidden)
        self.read = nn.Linear(hidden, 1)
        self.level = nn.Parameter(torch.zeros(1))
        self.state = None

    def reset(self, n):
        self.state = (torch.zeros(n, 12), torch.zeros(n, 12))

    def forward(self, series):
        self.reset(len(series))
        preds = torch.empty(series.shape)
        for t in range(series.shape[1]):
            self.state = self.cell(series[:, t:t + 1], self.state)
            preds.data[:, t] = self.read(self.state[0])[:, 0]
        return preds + self.level


def windows(n, length):
    while n:
        t = torch.rand(8, 1) * 6 + torch.arange(length + 1) * 0.3
        yield torch.sin(t)
        n -= 1


def main():
    torch.manual_seed(0)
    model = Forecaster()
    opts = [torch.optim.Adam(model.cell.parameters(), lr=1e-2), torch.optim.SGD(list(model.read.parameters()) + [model.level], lr=0.1)]
    for wave in windows(4, 9):
        loss = (model(wave[:, :-1]) - wave[:, 1:]).abs().mean()
        [o.zero_grad() for o in opts]
        loss.backward()
        [o.step() for o in opts]
        print(loss.item())


if __name__ == "__main__":
    main()
