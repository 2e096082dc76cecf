"""Agent simulation with learned rates, fitted to the daily counts."""
import torch
from torch import nn

SUSCEPTIBLE, INFECTED, RECOVERED = 0.0, 1.0, 2.0


class Progression(nn.Module):
    def __init__(self, agents=60):
        super().__init__()
        self.initial_rate = nn.Parameter(torch.tensor(0.25))
        self.mortality = nn.Parameter(torch.tensor(0.05))
        self.register_buffer("luck", torch.rand(agents))

    def start(self):
        stage = torch.where(self.luck < self.initial_rate, INFECTED, SUSCEPTIBLE)
        return stage

    def forward(self, days):
        stage = self.start()
        leave = 2 + (self.luck * 5)
        deaths = []
        for t in range(days):
            ready = (stage == INFECTED) & (leave <= t)
            deaths.append(self.mortality * ready.float().sum())
            stage = torch.where(ready, RECOVERED, stage)
        return torch.stack(deaths)


class Calibrator:
    def __init__(self, model, lr=1e-2):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)

    def fit(self, observed, rounds=4):
        for r in range(rounds):
            self.opt.zero_grad()
            loss = (self.model(len(observed)) - observed).pow(2).mean()
            loss.backward()
            self.opt.step()
            print(r, loss.item(), self.model.mortality.item())


if __name__ == "__main__":
    torch.manual_seed(0)
    Calibrator(Progression()).fit(torch.tensor([0.0, 0.0, 1.0, 2.0, 1.0, 1.0, 0.0]))
