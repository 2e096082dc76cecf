"""Fills a preallocated tensor inside autograd."""
import torch
from torch import nn


class Fill(nn.Module):
    def __init__(self):
        super().__init__()
        self.node = nn.Linear(4, 4)
        self.readout = nn.Linear(4, 1)

    def forward(self, nodes):
        out = torch.zeros(len(nodes), 4)
        for i, row in enumerate(nodes):
            out[i] = torch.relu(self.node(row))
        return self.readout(out).mean()


torch.manual_seed(0)
model = Fill()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for i in range(3):
    loss = (model(torch.randn(6, 4)) - 1).pow(2)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
