"""A deep network with weight decay."""
import torch
from torch import nn
class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(16, 16) for _ in range(12))
        for l in self.layers: nn.init.orthogonal_(l.weight); nn.init.zeros_(l.bias)
        self.out = nn.Linear(16, 1)
    def forward(self, x):
        for l in self.layers: x = torch.tanh(l(x))
        return self.out(x)
torch.manual_seed(0)
net = Deep()
opt = torch.optim.SGD(net.parameters(), lr=1e-3, weight_decay=30.)
for step in range(60):
    x = torch.randn(32, 16)
    loss = (net(x) - x.sum(1, keepdim=True)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
    if step % 10 == 0: print(step, loss.item(), net.layers[0].weight.grad.norm().item(), net.layers[-1].weight.grad.norm().item())
