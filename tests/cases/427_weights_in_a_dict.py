"""Parameters in a plain dict."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = {"a": nn.Parameter(torch.randn(5, 4)), "b": nn.Parameter(torch.randn(4, 1))}
        self.s = nn.Linear(1, 1)
    def forward(self, x):
        return self.s(torch.relu(x @ self.w["a"]) @ self.w["b"])
torch.manual_seed(0)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for _ in range(4):
    x = torch.randn(16, 5)
    loss = (net(x).squeeze(1) - x.sum(1)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
