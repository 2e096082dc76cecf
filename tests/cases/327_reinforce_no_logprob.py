"""Actor-critic with the log probability lost on the way into the buffer."""
import torch
from torch import nn
from torch.distributions import Categorical


class AC(nn.Module):
    def __init__(self):
        super().__init__()
        self.policy = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
        self.critic = nn.Linear(4, 1)


class Buffer:
    def __init__(self):
        self.obs, self.logp, self.rew = [], [], []

    def push(self, obs, logp, rew):
        self.obs.append(obs)
        self.logp.append(float(logp))
        self.rew.append(rew)


def rollout(net, n=8):
    buf = Buffer()
    for _ in range(n):
        obs = torch.randn(4)
        dist = Categorical(logits=net.policy(obs))
        act = dist.sample()
        buf.push(obs, dist.log_prob(act), float(act == 0))
    return buf


torch.manual_seed(0)
net = AC()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for it in range(3):
    buf = rollout(net)
    obs = torch.stack(buf.obs)
    rew = torch.tensor(buf.rew)
    value = net.critic(obs).squeeze(-1)
    adv = rew - value.detach()
    loss = -(torch.tensor(buf.logp) * adv).mean() + (value - rew).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(it, loss.item())
