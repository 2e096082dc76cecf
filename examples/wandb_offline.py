"""Weights & Biases, offline: gradient norms and update ratios per parameter. Needs: pip install wandb"""

import sys

import torch
import wandb

import tracer

if __name__ == "__main__":
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    x, y = torch.randn(32, 8), torch.randn(32, 1)
    run = wandb.init(mode="offline", dir=sys.argv[1] if len(sys.argv) > 1 else ".", project="tracer")
    with tracer.watch(model, optimizer, every=5, sink=run):
        for _ in range(20):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
    print({name: round(value, 6) for name, value in dict(run.summary).items() if name.startswith("gradients")})
    run.finish()
