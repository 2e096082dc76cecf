"""Vector quantiser with a custom gradient."""
import torch
from torch import nn


class Quantise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, book):
        idx = torch.cdist(z, book).argmin(1)
        ctx.shape = book.shape
        return book[idx]

    @staticmethod
    def backward(ctx, g):
        return g, torch.zeros(ctx.shape)


class VQ(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(6, 3)
        self.codebook = nn.Embedding(5, 3)
        self.dec = nn.Linear(3, 6)

    def forward(self, x):
        q = Quantise.apply(self.enc(x), self.codebook.weight)
        return self.dec(q)


torch.manual_seed(0)
net = VQ()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for i in range(3):
    x = torch.randn(10, 6)
    loss = (net(x) - x).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
