"""A generator of parameters is exhausted before the optimizer reads it."""
import torch
from torch import nn
class AE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(6, 3)
        self.dec = nn.Linear(3, 6)
    def forward(self, x):
        return self.dec(torch.tanh(self.enc(x)))
torch.manual_seed(0)
ae = AE()
dec_params = ae.dec.parameters()
print("decoder size", sum(p.numel() for p in dec_params))
opt = torch.optim.Adam([{"params": ae.enc.parameters()}, {"params": dec_params, "lr": 1e-4}], lr=1e-3)
for i in range(4):
    x = torch.randn(12, 6)
    loss = (ae(x) - x).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
