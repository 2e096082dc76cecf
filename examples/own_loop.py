"""Records one step inside a loop of your own, asks about one parameter, and saves picture and trace.

    python examples/own_loop.py OUTPUT_FOLDER
"""

import sys
from pathlib import Path

import torch
from torch import nn

import tracer


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(8, 3)
        self.decoder = nn.Linear(3, 8)
        self.temperature = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        code = torch.tanh(self.encoder(x) / self.temperature.item())
        return self.decoder(code)


def main(folder):
    torch.manual_seed(0)
    model = Autoencoder()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def train_step():
        x = torch.randn(32, 8)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), x)
        loss.backward()
        optimizer.step()

    for _ in range(10):
        train_step()  # untraced steps cost nothing
    with tracer.record(model, optimizer) as recording:
        train_step()

    report = recording.report()
    row = report["temperature"]
    print(f"{row.name}: {row.verdict} at line {row.where[0].line}")
    print(f"{row.message}. Fix: {row.fix}.")
    recording.draw(folder / "graph.svg")
    recording.save(folder / "trace.jsonl.gz")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)
