"""Mixture of experts with a balance loss per layer."""
import torch
from torch import nn


class MoELayer(nn.Module):
    def __init__(self, d=10, n_expert=4):
        super().__init__()
        self.gate = nn.Linear(d, n_expert)
        self.experts = nn.ModuleList(nn.Linear(d, d) for _ in range(n_expert))
        self.balance = None

    def forward(self, x):
        score = self.gate(x).softmax(dim=-1)
        hard = torch.zeros_like(score).scatter(1, score.argmax(1, keepdim=True), 1.0)
        self.balance = (hard.mean(0) * score.mean(0)).sum() * score.size(1)
        out = torch.stack([e(x) for e in self.experts], dim=1)
        return x + (score.unsqueeze(-1) * out).sum(dim=1)


class MoENet(nn.Module):
    def __init__(self, depth=2, d=10):
        super().__init__()
        self.layers = nn.ModuleList(MoELayer(d) for _ in range(depth))
        self.head = nn.Linear(d, 3)

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.head(x)

    def balance_loss(self):
        collected = [layer.balance for layer in self.layers]
        return torch.tensor(collected).mean()


def train(net, steps=4, alpha=0.1):
    optim = torch.optim.Adam(net.parameters(), lr=2e-3)
    for step in range(steps):
        x = torch.randn(24, 10)
        y = x[:, :3].argmax(dim=1)
        task = nn.functional.cross_entropy(net(x), y)
        balance = net.balance_loss()
        total = task + alpha * balance
        optim.zero_grad()
        total.backward()
        optim.step()
        print(f"{step}: task {task.item():.4f} balance {balance.item():.4f}")


if __name__ == "__main__":
    torch.manual_seed(1)
    train(MoENet())
