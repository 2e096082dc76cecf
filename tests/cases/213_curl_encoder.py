"""Contrastive representation inside an actor-critic agent."""
import torch
import torch.nn.functional as F
from torch import nn


class PixelEncoder(nn.Module):
    def __init__(self, obs=12, d=8):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(obs, 16), nn.ReLU(), nn.Linear(16, d))

    def forward(self, obs):
        return self.body(obs)


class Critic(nn.Module):
    def __init__(self, d=8, act=2):
        super().__init__()
        self.encoder = PixelEncoder(d=d)
        self.q = nn.Sequential(nn.Linear(d + act, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, obs, act):
        return self.q(torch.cat([self.encoder(obs), act], dim=1)).squeeze(1)


class Curl(nn.Module):
    def __init__(self, critic, d=8):
        super().__init__()
        self.encoder = critic.encoder
        self.W = nn.Parameter(torch.rand(d, d))

    def logits(self, anchor, positive):
        return self.encoder(anchor) @ self.W @ self.encoder(positive).detach().t()


class Agent:
    def __init__(self):
        self.critic = Critic()
        self.curl = Curl(self.critic)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=1e-3)
        self.encoder_optimizer = torch.optim.Adam(self.critic.encoder.parameters(), lr=1e-3)
        self.cpc_optimizer = torch.optim.Adam(self.curl.parameters(), lr=1e-3)

    def update_critic(self, obs, act, target):
        loss = F.mse_loss(self.critic(obs, act), target)
        self.critic_optimizer.zero_grad()
        loss.backward()
        self.critic_optimizer.step()
        return loss.item()

    def update_cpc(self, obs):
        logits = self.curl.logits(obs, obs + 0.1 * torch.randn_like(obs))
        loss = F.cross_entropy(logits, torch.arange(len(obs)))
        self.encoder_optimizer.zero_grad()
        self.cpc_optimizer.zero_grad()
        loss.backward()
        self.encoder_optimizer.step()
        self.cpc_optimizer.step()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    agent = Agent()
    for step in range(3):
        obs, act = torch.randn(16, 12), torch.randn(16, 2)
        print(step, agent.update_critic(obs, act, obs[:, 0]), agent.update_cpc(obs))
