"""Regression with a worker."""
import copy, torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
opt_model = torch.optim.SGD(model.parameters(), lr=0.01)
worker = copy.deepcopy(model)
opt = torch.optim.SGD(worker.parameters(), lr=0.01)
for step in range(4):
    x = torch.randn(16, 4)
    loss = (worker(x) - x.sum(1, keepdim=True)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); opt_model.step()
    print(loss.item())
