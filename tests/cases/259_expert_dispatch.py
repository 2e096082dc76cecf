"""Expert dispatch that fills a preallocated buffer, in one branch without gradients."""
import torch
from torch import nn


class Dispatcher(nn.Module):
    def __init__(self, d=8, n=3):
        super().__init__()
        self.router = nn.Linear(d, n)
        self.experts = nn.ModuleList(nn.Linear(d, d) for _ in range(n))
        self.memory_saving = True

    def combine(self, x, weight, choice):
        out = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            rows = (choice == i).nonzero().squeeze(1)
            if self.memory_saving:
                with torch.no_grad():
                    out[rows] = expert(x[rows])
            else:
                out[rows] = expert(x[rows])
        return out * weight

    def forward(self, x):
        prob = self.router(x).softmax(dim=1)
        weight, choice = prob.max(dim=1, keepdim=True)
        return x + self.combine(x, weight, choice.squeeze(1))


class Scorer(nn.Module):
    def __init__(self, d=8):
        super().__init__()
        self.inp = nn.Linear(5, d)
        self.moe = Dispatcher(d)
        self.out = nn.Linear(d, 2)

    def forward(self, x):
        return self.out(self.moe(torch.tanh(self.inp(x))))


def main():
    torch.manual_seed(0)
    model = Scorer()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for it in range(4):
        x = torch.randn(24, 5)
        loss = nn.functional.cross_entropy(model(x), (x.sum(1) > 0).long())
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
