"""An ordinary training script that knows nothing of tracer. It classifies two spirals, and learns badly.

    python examples/spirals.py --steps 200
    tracer run examples/spirals.py --steps 20

Look for the line that the report names before you read on: forward hands the head a detached copy, so the encoder
never learns.
"""

import argparse

import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.head = nn.Linear(hidden, 2)

    def forward(self, points):
        features = self.encoder(points)
        self.last_features = features = features.detach()  # kept for plotting
        return self.head(features)


def spirals(count):
    """Points of two spirals, and which of the two each belongs to."""
    turn = torch.rand(count) * 3 * torch.pi
    label = torch.randint(2, (count,))
    angle = turn + label * torch.pi
    points = torch.stack([angle.cos(), angle.sin()], 1) * turn[:, None] / (3 * torch.pi)
    return points + 0.02 * torch.randn(count, 2), label


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--steps", type=int, default=200)
    options.add_argument("--hidden", type=int, default=16)
    args = options.parse_args()

    torch.manual_seed(0)
    model = Classifier(args.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for step in range(args.steps):
        points, labels = spirals(128)
        loss = nn.functional.cross_entropy(model(points), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            print(f"step {step:4d}  loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
