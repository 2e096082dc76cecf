"""Main and auxiliary head; total is assembled in a dict."""
import torch
from torch import nn


class Multi(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 8)
        self.main = nn.Linear(8, 2)
        self.aux = nn.Linear(8, 4)

    def forward(self, x):
        h = torch.relu(self.body(x))
        return self.main(h), self.aux(h)


def losses(out, aux, y, z):
    found = {"main": nn.functional.cross_entropy(out, y)}
    found["aux"] = nn.functional.cross_entropy(aux, z)
    return found


torch.manual_seed(0)
net = Multi()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
log = []
for i in range(4):
    x, y, z = torch.randn(8, 6), torch.randint(0, 2, (8,)), torch.randint(0, 4, (8,))
    out, aux = net(x)
    terms = losses(out, aux, y, z)
    log.append({k: v.item() for k, v in terms.items()})
    opt.zero_grad()
    terms["main"].backward()
    opt.step()
print(log[-1]["main"])
