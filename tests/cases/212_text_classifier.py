"""Transformer encoder with a task head on top, fine-tuned together."""
import torch
import torch.nn.functional as F
from torch import nn


class TinyTransformer(nn.Module):
    def __init__(self, vocab=30, d=16):
        super().__init__()
        self.embed = nn.Embedding(vocab, d)
        self.h = nn.ModuleList(nn.TransformerEncoderLayer(d, 2, 32, dropout=0.0, batch_first=True) for _ in range(2))

    def forward(self, ids):
        h = self.embed(ids)
        for block in self.h:
            h = block(h)
        return h


class ClfHead(nn.Module):
    def __init__(self, d=16, n=2):
        super().__init__()
        self.clf_norm = nn.LayerNorm(d)
        self.clf_linear = nn.Linear(d, n)

    def forward(self, h):
        return self.clf_linear(self.clf_norm(h[:, -1]))


class LossCompute:
    def __init__(self, criterion, opt):
        self.criterion, self.opt = criterion, opt

    def __call__(self, logits, y):
        loss = self.criterion(logits, y)
        loss.backward()
        self.opt.step()
        self.opt.zero_grad()
        return loss.item()


def main():
    torch.manual_seed(0)
    model, clf_head = TinyTransformer(), ClfHead()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    compute = LossCompute(F.cross_entropy, optimizer)
    for step in range(4):
        clf_head.zero_grad()
        ids = torch.randint(0, 30, (8, 7))
        print(step, compute(clf_head(model(ids)), (ids[:, 0] > 15).long()))


if __name__ == "__main__":
    main()
