"""Saliency while training."""
import torch
from torch import nn
def saliency(model, x):
    x = x.clone().requires_grad_()
    model(x).sum().backward()
    s = x.grad.abs().mean().item()
    model.zero_grad()
    return s
def train(model, opt, steps):
    for _ in range(steps):
        x = torch.randn(8, 4)
        opt.zero_grad()
        loss = (model(x) - x[:, :1]).pow(2).mean()
        loss.backward()
        s = saliency(model, x)
        opt.step()
        print(loss.item(), s)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
train(model, torch.optim.Adam(model.parameters(), 1e-3), 4)
