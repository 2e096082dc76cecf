"""DQN: the value of the action taken is computed under no_grad together with the target."""
import random
from collections import deque, namedtuple

import torch
from torch import nn

Transition = namedtuple("Transition", "s a r s2")


class DuelingQ(nn.Module):
    def __init__(self, obs=4, acts=3):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(obs, 24), nn.ReLU())
        self.value = nn.Linear(24, 1)
        self.adv = nn.Linear(24, acts)

    def forward(self, s):
        h = self.body(s)
        a = self.adv(h)
        return self.value(h) + a - a.mean(1, keepdim=True)


class Agent:
    def __init__(self):
        self.online, self.target = DuelingQ(), DuelingQ()
        self.sync()
        self.opt = torch.optim.RMSprop(self.online.parameters(), lr=1e-3)
        self.memory = deque(maxlen=100)

    def sync(self):
        self.target.load_state_dict(self.online.state_dict())

    def act(self, s, eps):
        if random.random() < eps:
            return random.randrange(3)
        with torch.no_grad():
            return self.online(s[None]).argmax(1).item()

    def learn(self, gamma=0.9):
        b = Transition(*zip(*random.sample(self.memory, 16)))
        s, s2 = torch.stack(b.s), torch.stack(b.s2)
        a, r = torch.tensor(b.a), torch.tensor(b.r)
        q = self.online(s).gather(1, a[:, None])[:, 0]
        with torch.no_grad():
            target = r + gamma * self.target(s2).max(1).values
        loss = nn.functional.smooth_l1_loss(q, target)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()


def main():
    random.seed(0)
    torch.manual_seed(0)
    agent = Agent()
    s = torch.randn(4)
    for t in range(40):
        a = agent.act(s, 0.3)
        s2 = torch.randn(4)
        agent.memory.append(Transition(s, a, float(s[a]), s2))
        s = s2
        if t >= 20 and t % 4 == 0:
            print(t, agent.learn())
        if t % 10 == 9:
            agent.sync()


if __name__ == "__main__":
    main()
