"""Wrapper with a clone-for-refitting method, as attack libraries have."""
import copy

import torch
from torch import nn


class TorchClassifier:
    def __init__(self, model, loss, optimizer, n_classes):
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.n_classes = n_classes

    def fit(self, x, y, epochs=2, batch=16):
        self.model.train()
        for epoch in range(epochs):
            for xb, yb in zip(x.split(batch), y.split(batch)):
                self.optimizer.zero_grad()
                self.model.zero_grad()
                value = self.loss(self.model(xb), yb)
                value.backward()
                self.optimizer.step()
            print("epoch", epoch, round(value.item(), 4))
        return self

    def clone_for_refitting(self):
        model = copy.deepcopy(self.model)
        return type(self)(model, self.loss, self.optimizer, self.n_classes)


class Tabular(nn.Module):
    def __init__(self, d, n):
        super().__init__()
        self.hidden = nn.Linear(d, 16)
        self.bn = nn.BatchNorm1d(16)
        self.final = nn.Linear(16, n)

    def forward(self, x):
        return self.final(torch.relu(self.bn(self.hidden(x))))


def make(d=7, n=3):
    net = Tabular(d, n)
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    return TorchClassifier(net, nn.CrossEntropyLoss(), opt, n)


if __name__ == "__main__":
    torch.manual_seed(0)
    features = torch.randn(48, 7)
    labels = features[:, :3].argmax(dim=1)
    refit = make().clone_for_refitting()
    refit.fit(features, labels)
