"""The predicted log-variance is clamped at its limit from the start."""
import torch
from torch import nn
class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Linear(5, 8)
        self.log_var = nn.Linear(8, 1)
        self.mu = nn.Linear(5, 1)
        nn.init.constant_(self.log_var.bias, 12.0)
    def forward(self, x):
        lv = self.log_var(torch.tanh(self.trunk(x)))
        lv = lv.clamp(-5.0, 5.0)
        return self.mu(x), lv
torch.manual_seed(0)
net = Head()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for i in range(4):
    x = torch.randn(20, 5)
    mu, lv = net(x)
    loss = (0.5 * lv + 0.5 * (mu - x[:, :1]).pow(2) / lv.exp()).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
