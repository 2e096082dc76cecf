"""Policy and value."""
import torch
from torch import nn
class Rollout:
    def __init__(self): self.logps, self.values, self.rewards = [], [], []
class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.pi, self.v = nn.Linear(4, 2), nn.Linear(4, 1)
        self.values, self.logps, self.rewards = [], [], []
    def act(self, s):
        d = torch.distributions.Categorical(logits=self.pi(s)); a = d.sample()
        v = self.v(s)
        self.values.append(v.item()); self.logps.append(d.log_prob(a)); self.rewards.append(float(a == int(s[0] > 0)))
    def loss(self):
        v = torch.tensor(self.values)
        r = torch.tensor(self.rewards)
        adv = r - v
        out = -(torch.stack(self.logps) * adv).mean() + .5 * adv.pow(2).mean()
        self.values, self.logps, self.rewards = [], [], []
        return out
torch.manual_seed(0)
ag = Agent(); opt = torch.optim.Adam(ag.parameters(), 1e-3)
for _ in range(3):
    for _ in range(8): ag.act(torch.randn(4))
    loss = ag.loss()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
