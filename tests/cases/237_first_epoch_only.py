"""Formula generator; the first epoch is only there to see the starting loss."""
import torch
from torch import nn


class FormulaNet(nn.Module):
    def __init__(self, tokens=12, d=10):
        super().__init__()
        self.start = nn.Parameter(torch.zeros(d))
        self.cell = nn.GRUCell(d, d)
        self.token = nn.Linear(d, tokens)

    def forward(self, n, length=4):
        h = self.start.expand(n, -1)
        out = []
        for _ in range(length):
            h = self.cell(h, h)
            out.append(self.token(h))
        return torch.stack(out, dim=1)


class Surrogate(nn.Module):
    def __init__(self, tokens=12):
        super().__init__()
        self.register_buffer("worth", torch.linspace(-1, 1, tokens))

    def forward(self, logits):
        return (logits.softmax(-1) @ self.worth).mean()


def train(net, surrogate, opt, num_epochs=1, batches=3):
    for epoch in range(num_epochs):
        for b in range(batches):
            opt.zero_grad()
            loss = -surrogate(net(8))
            if epoch > 0:
                loss.backward()
                opt.step()
            print(epoch, b, loss.item())


if __name__ == "__main__":
    torch.manual_seed(0)
    net = FormulaNet()
    train(net, Surrogate(), torch.optim.Adam(net.parameters(), lr=1e-2))
