"""Node-wise message passing with a NumPy workspace."""
import numpy as np
import torch
from torch import nn


class NodeNet(nn.Module):
    def __init__(self, d=4):
        super().__init__()
        self.d = d
        self.node = nn.Linear(d, d)
        self.readout = nn.Linear(d, 1)

    def forward(self, nodes):
        out = np.zeros((len(nodes), self.d), dtype=np.float32)
        for i, row in enumerate(nodes):
            out[i] = torch.relu(self.node(row)).detach().numpy()
        return self.readout(torch.as_tensor(out)).mean()


torch.manual_seed(0)
model = NodeNet()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for i in range(3):
    loss = (model(torch.randn(6, 4)) - 1).pow(2)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
