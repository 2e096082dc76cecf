"""Gated fusion of two sensors; the mixing matrix is stored transposed."""
import torch
from torch import nn


class SensorFusion(nn.Module):
    def __init__(self, d=8, gates=3):
        super().__init__()
        self.left = nn.Linear(5, d)
        self.right = nn.Linear(4, d)
        mixing = nn.Parameter(torch.randn(gates, 2 * d) * 0.2)
        self.mixing = mixing.t()
        self.scale = nn.Parameter(torch.ones(gates))

    def forward(self, a, b):
        both = torch.cat([torch.tanh(self.left(a)), torch.tanh(self.right(b))], dim=1)
        return torch.sigmoid(both @ self.mixing) * self.scale


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.fusion = SensorFusion()
        self.out = nn.Linear(3, 1)

    def forward(self, a, b):
        return self.out(self.fusion(a, b)).squeeze(1)


def main(steps=4):
    torch.manual_seed(0)
    model = Regressor()
    total = sum(p.numel() for p in model.parameters())
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    print("trainable values:", total)
    for step in range(steps):
        a, b = torch.randn(16, 5), torch.randn(16, 4)
        loss = nn.functional.smooth_l1_loss(model(a, b), a[:, 0] + b[:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, loss.item())


if __name__ == "__main__":
    main()
