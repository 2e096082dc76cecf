"""Small DDPM with EMA, warm-up, clipping, validation under inference_mode and best-weights restore at the end (healthy)."""
import copy

import torch
from torch import nn


class TimeMLP(nn.Module):
    def __init__(self, d=8, h=32, T=20):
        super().__init__()
        self.t = nn.Embedding(T, h)
        self.inp, self.mid, self.out = nn.Linear(d, h), nn.Linear(h, h), nn.Linear(h, d)

    def forward(self, x, t):
        h = nn.functional.silu(self.inp(x) + self.t(t))
        return self.out(nn.functional.silu(self.mid(h)))


class EMA:
    def __init__(self, model, decay=0.95):
        self.model, self.decay = copy.deepcopy(model).requires_grad_(False), decay

    @torch.no_grad()
    def update(self, model):
        for e, p in zip(self.model.parameters(), model.parameters()):
            e.lerp_(p, 1 - self.decay)


def noise(x, t, bar):
    eps = torch.randn_like(x)
    a = bar[t][:, None]
    return a.sqrt() * x + (1 - a).sqrt() * eps, eps


@torch.inference_mode()
def validate(model, x, bar):
    t = torch.randint(0, 20, (len(x),))
    xt, eps = noise(x, t, bar)
    return (model(xt, t) - eps).pow(2).mean().item()


def main():
    torch.manual_seed(0)
    bar = torch.cumprod(1 - torch.linspace(1e-4, 0.1, 20), 0)
    model = TimeMLP()
    ema = EMA(model)
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, s / 3))
    best, best_state = float("inf"), None
    for step in range(8):
        x = torch.randn(16, 8) * 0.5 + 1
        t = torch.randint(0, 20, (16,))
        xt, eps = noise(x, t, bar)
        loss = (model(xt, t) - eps).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        ema.update(model)
        val = validate(ema.model, torch.randn(16, 8), bar)
        if val < best:
            best, best_state = val, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_state)
    print(best, validate(model, torch.randn(64, 8), bar))


if __name__ == "__main__":
    main()
