"""Learned codes."""
import torch
from torch import nn
class Codes(nn.Module):
    def __init__(self):
        super().__init__()
        self.logits, self.table = nn.Parameter(torch.randn(16, 8)), nn.Parameter(torch.randn(8, 4))
    def forward(self, i):
        idx = self.logits.argmax(-1)
        return self.table[idx[i]]
class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.codes, self.out = Codes(), nn.Linear(4, 1)
    def forward(self, i): return self.out(self.codes(i))
torch.manual_seed(0)
net = Net(); opt = torch.optim.Adam(net.parameters(), 1e-2)
for _ in range(3):
    i = torch.randint(0, 16, (32,))
    loss = (net(i).squeeze(1) - i.float() / 16).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
