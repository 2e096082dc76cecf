"""Actor-critic with an entropy term; the actor is improved through the critic."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal


class GaussianPolicy(nn.Module):
    def __init__(self, obs=5, act=2, h=16):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs, h), nn.ReLU())
        self.mean = nn.Linear(h, act)

    def forward(self, obs):
        return Normal(self.mean(self.trunk(obs)), 0.3)

    def act(self, obs):
        dist = self(obs)
        action = dist.sample()
        return torch.tanh(action)


class QNet(nn.Module):
    def __init__(self, obs=5, act=2, h=16):
        super().__init__()
        self.q = nn.Sequential(nn.Linear(obs + act, h), nn.ReLU(), nn.Linear(h, 1))

    def forward(self, obs, act):
        return self.q(torch.cat([obs, act], dim=1)).squeeze(1)


class SoftActorCritic:
    def __init__(self):
        self.policy, self.critic = GaussianPolicy(), QNet()
        self.policy_opt = torch.optim.Adam(self.policy.parameters(), lr=3e-3)
        self.critic_opt = torch.optim.Adam(self.critic.parameters(), lr=3e-3)

    def update_critic(self, obs, act, reward):
        loss = F.mse_loss(self.critic(obs, act), reward)
        self.critic_opt.zero_grad()
        loss.backward()
        self.critic_opt.step()
        return loss.item()

    def update_policy(self, obs):
        loss = -self.critic(obs, self.policy.act(obs)).mean()
        self.policy_opt.zero_grad()
        loss.backward()
        self.policy_opt.step()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    agent = SoftActorCritic()
    for step in range(4):
        obs, act = torch.randn(16, 5), torch.rand(16, 2) * 2 - 1
        q = agent.update_critic(obs, act, -(act - obs[:, :2]).pow(2).sum(1))
        print(step, q, agent.update_policy(obs))
