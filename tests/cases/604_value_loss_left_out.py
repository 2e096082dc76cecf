"""Actor and critic."""
import torch
from torch import nn
from torch.distributions import Categorical
class AC(nn.Module):
    def __init__(self):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
        self.critic = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    def forward(self, s):
        return Categorical(logits=self.actor(s)), self.critic(s).squeeze(-1)
torch.manual_seed(0)
net = AC()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for it in range(4):
    s = torch.randn(32, 4)
    dist, value = net(s)
    a = dist.sample()
    returns = (a == (s[:, 0] > 0)).float()
    adv = returns - value.detach()
    policy_loss = -(dist.log_prob(a) * adv).mean()
    value_loss = (returns - value).pow(2).mean()
    ent = dist.entropy().mean()
    loss = policy_loss - 0.01 * ent
    opt.zero_grad(); loss.backward(); opt.step()
    print(it, policy_loss.item(), value_loss.item())
