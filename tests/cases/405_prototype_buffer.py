"""Prototypes registered as a buffer that requires grad."""
import torch
from torch import nn
class Cls(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.register_buffer("proto", torch.randn(3, d, requires_grad=True))
        self.lin = nn.Linear(5, d)
    def forward(self, x):
        return self.lin(x) @ self.proto.t()
torch.manual_seed(0)
net = Cls(4)
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for i in range(4):
    x = torch.randn(10, 5); y = torch.randint(0, 3, (10,))
    loss = nn.functional.cross_entropy(net(x), y)
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
