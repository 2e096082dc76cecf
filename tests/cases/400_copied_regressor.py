"""A deep copy is trained, the optimizer holds the original."""
import copy, torch
from torch import nn
class Reg(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    def forward(self, x):
        return self.net(x)
def fit(model, opt, data):
    model = copy.deepcopy(model)
    for x, y in data:
        opt.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        opt.step()
        print(loss.item())
    return model
torch.manual_seed(0)
m = Reg()
opt = torch.optim.Adam(m.parameters(), lr=1e-2)
data = [(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(4)]
fit(m, opt, data)
