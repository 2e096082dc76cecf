"""Diffusion fine-tuning with adapters injected into a frozen denoiser and checkpointed blocks."""
import math
import warnings

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

warnings.simplefilter("ignore")


class LoraInjected(nn.Module):
    def __init__(self, linear, r=2):
        super().__init__()
        self.linear = linear
        self.lora_down = nn.Linear(linear.in_features, r, bias=False)
        self.lora_up = nn.Linear(r, linear.out_features, bias=False)
        nn.init.normal_(self.lora_up.weight, std=0.05)

    def forward(self, x):
        return self.linear(x) + self.lora_up(self.lora_down(x))


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.to_q = nn.Linear(d, d)
        self.norm = nn.LayerNorm(d)

    def forward(self, h):
        return h + torch.nn.functional.silu(self.to_q(self.norm(h)))


class Denoiser(nn.Module):
    def __init__(self, d=10, depth=3):
        super().__init__()
        self.inp = nn.Linear(d, d)
        self.blocks = nn.ModuleList(Block(d) for _ in range(depth))
        self.out = nn.Linear(d, d)
        self.extra = nn.Parameter(torch.zeros(d))

    def forward(self, x, t):
        h = self.inp(x) + torch.sin(t * math.pi)
        for block in self.blocks:
            h = checkpoint(block, h, use_reentrant=True)
        return self.out(h) + self.extra


def inject(model):
    model.requires_grad_(False)
    model.extra.requires_grad_(True)
    for block in model.blocks:
        block.to_q = LoraInjected(block.to_q)
    return [p for p in model.parameters() if p.requires_grad]


def main():
    torch.manual_seed(0)
    unet = Denoiser()
    optimizer = torch.optim.AdamW(inject(unet), lr=1e-3, weight_decay=0.0)
    for step in range(4):
        clean, noise, t = torch.randn(8, 10), torch.randn(8, 10), torch.rand(8, 1)
        loss = nn.functional.mse_loss(unet((1 - t) * clean + t * noise, t), noise)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        print(step, loss.item())


if __name__ == "__main__":
    main()
