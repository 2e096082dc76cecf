"""Physics-informed fit with unknown coefficients passed to the residual as one tensor."""
import torch
from torch import nn


class Coefficient(nn.Module):
    def __init__(self, init):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(init))

    def forward(self):
        return self.value


class InverseProblem(nn.Module):
    def __init__(self, h=12):
        super().__init__()
        self.field = nn.Sequential(nn.Linear(1, h), nn.Tanh(), nn.Linear(h, h), nn.Tanh(), nn.Linear(h, 1))
        self.damping = Coefficient(0.3)
        self.stiffness = Coefficient(1.5)

    def auxiliary(self):
        return torch.as_tensor((self.damping(), self.stiffness()), dtype=torch.float32)

    def residual(self, t):
        t = t.clone().requires_grad_(True)
        u = self.field(t)
        du = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
        ddu = torch.autograd.grad(du.sum(), t, create_graph=True)[0]
        c, k = self.auxiliary()
        return ddu + c * du + k * u


def main(steps=5):
    torch.manual_seed(0)
    problem = InverseProblem()
    opt = torch.optim.Adam(problem.parameters(), lr=5e-3)
    t = torch.linspace(0, 3, 20).unsqueeze(1)
    seen = torch.exp(-0.2 * t) * torch.cos(t)
    for step in range(steps):
        opt.zero_grad()
        loss = problem.residual(t).pow(2).mean() + (problem.field(t) - seen).pow(2).mean()
        loss.backward()
        opt.step()
        print(step, loss.item(), problem.damping.value.item(), problem.stiffness.value.item())


if __name__ == "__main__":
    main()
