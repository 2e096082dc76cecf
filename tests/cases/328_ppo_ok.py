"""PPO-like update with numpy buffers."""
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical


class AC(nn.Module):
    def __init__(self):
        super().__init__()
        self.policy = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
        self.critic = nn.Linear(4, 1)


torch.manual_seed(0)
net = AC()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for it in range(3):
    obs, acts, logps, rews = [], [], [], []
    for _ in range(8):
        o = np.random.default_rng(it).normal(size=4).astype(np.float32)
        with torch.no_grad():
            d = Categorical(logits=net.policy(torch.from_numpy(o)))
            a = d.sample()
        obs.append(o); acts.append(a.item()); logps.append(d.log_prob(a).item()); rews.append(float(a.item() == 0))
    obs = torch.as_tensor(np.stack(obs))
    old = torch.tensor(logps)
    rew = torch.tensor(rews)
    for _ in range(2):
        dist = Categorical(logits=net.policy(obs))
        value = net.critic(obs).squeeze(-1)
        adv = rew - value.detach()
        ratio = (dist.log_prob(torch.tensor(acts)) - old).exp()
        loss = -torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv).mean() + (value - rew).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(it, loss.item())
