"""Contrast-normalised features of image patches; some patches are blank."""
import torch
from torch import nn


class ContrastPool(nn.Module):
    def forward(self, h):
        return torch.cat([h.mean(dim=-1), h.var(dim=-1).sqrt()], dim=1)


class PatchScorer(nn.Module):
    def __init__(self, c=6):
        super().__init__()
        self.filters = nn.Conv1d(1, c, 3, padding=1)
        self.pool = ContrastPool()
        self.score = nn.Linear(2 * c, 1)

    def forward(self, patches):
        h = torch.relu(self.filters(patches.flatten(2)))
        return self.score(self.pool(h)).squeeze(1)


def load(n=10, blank=2):
    patches = torch.rand(n, 1, 4, 4)
    patches[:blank] = 0.0
    return patches, patches.mean(dim=(1, 2, 3))


def main():
    torch.manual_seed(0)
    model = PatchScorer()
    opt = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    for it in range(3):
        patches, target = load()
        loss = nn.functional.mse_loss(model(patches), target)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([p for p in model.parameters()], 1.0)
        opt.step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
