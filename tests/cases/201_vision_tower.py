"""Caption scorer: a vision tower, a projector and a text side, all to be fine-tuned."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class TuneConfig:
    tune_vision: bool = True
    lr: float = 1e-3
    steps: int = 4


class VisionTower(nn.Module):
    def __init__(self, patch=12, width=16):
        super().__init__()
        self.embed_patch = nn.Linear(patch, width)
        self.mix = nn.Linear(width, width)

    @torch.no_grad()
    def forward(self, patches):
        h = torch.relu(self.embed_patch(patches))
        return self.mix(h)


class CaptionScorer(nn.Module):
    def __init__(self, vocab=40, width=16):
        super().__init__()
        self.vision = VisionTower(width=width)
        self.projector = nn.Linear(width, width)
        self.words = nn.Embedding(vocab, width)

    def forward(self, patches, tokens):
        image = self.projector(self.vision(patches)).mean(dim=1)
        text = self.words(tokens).mean(dim=1)
        return F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).t()


def configure(model, cfg):
    model.vision.requires_grad_(cfg.tune_vision)
    chosen = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(chosen, lr=cfg.lr, weight_decay=0.0)


def main(cfg=TuneConfig()):
    torch.manual_seed(0)
    model = CaptionScorer()
    optimizer = configure(model, cfg)
    for step in range(cfg.steps):
        scores = model(torch.randn(8, 5, 12), torch.randint(0, 40, (8, 6)))
        loss = F.cross_entropy(scores / 0.1, torch.arange(8))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, loss.item())


if __name__ == "__main__":
    main()
