"""Entropy of probabilities that are exactly zero."""
import torch
from torch import nn
class Pol(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Linear(4, 16); self.o = nn.Linear(16, 5)
    def forward(self, x, legal):
        logits = self.o(torch.tanh(self.f(x)))
        return logits.masked_fill(~legal, -1e9).softmax(-1)
def entropy(p):
    return -(p * torch.log(p)).sum(-1)
torch.manual_seed(0)
net = Pol()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for i in range(3):
    x = torch.randn(12, 4); legal = torch.ones(12, 5, dtype=torch.bool); legal[:, 4] = False
    p = net(x, legal)
    a = torch.distributions.Categorical(probs=p).sample()
    loss = -(p.gather(1, a[:, None]).squeeze(1) * torch.randn(12)).mean() - 0.01 * entropy(p).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
    if torch.isnan(loss): break
