"""Fine-tuning a small text encoder; sentence embeddings are kept in a cache between epochs."""
import argparse

import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, vocab=40, dim=12):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)

    def forward(self, ids):
        _, h = self.rnn(self.emb(ids))
        return h[0]


class CachedEncoder(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.cache = {}

    def forward(self, ids):
        key = tuple(ids.flatten().tolist())
        if key not in self.cache:
            self.cache[key] = self.encoder(ids).cpu().detach()
        return self.cache[key]


class Intent(nn.Module):
    def __init__(self, encoder, classes=3):
        super().__init__()
        self.encoder = CachedEncoder(encoder)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(12, classes)

    def forward(self, **batch):
        return self.head(self.drop(self.encoder(batch["input_ids"])))


def batches(n):
    g = torch.Generator().manual_seed(3)
    for _ in range(n):
        ids = torch.randint(0, 40, (8, 6), generator=g)
        yield {"input_ids": ids, "labels": ids[:, 0] % 3}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=2)
    ap.add_argument("--lr", type=float, default=1e-3)
    args = ap.parse_args()
    torch.manual_seed(0)
    model = Intent(Encoder())
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.9)
    for epoch in range(args.epochs):
        for batch in batches(3):
            loss = nn.functional.cross_entropy(model(**batch), batch["labels"])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        scheduler.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
