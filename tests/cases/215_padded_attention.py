"""Self-attention over windows of a padded sequence."""
import math

import torch
from torch import nn

NEG = float("-inf")


class WindowAttention(nn.Module):
    def __init__(self, d=12, window=1):
        super().__init__()
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.window = window

    def forward(self, x, pad):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        scores = q @ k.transpose(1, 2) / math.sqrt(x.size(-1))
        t = torch.arange(x.size(1))
        far = (t[:, None] - t[None, :]).abs() > self.window
        scores = scores.masked_fill(far, NEG).masked_fill(pad[:, None, :], NEG)
        return self.proj(scores.softmax(dim=-1) @ v)


class WindowTagger(nn.Module):
    def __init__(self, vocab=20, d=12, tags=3):
        super().__init__()
        self.emb = nn.Embedding(vocab, d)
        self.attn = WindowAttention(d)
        self.norm = nn.LayerNorm(d)
        self.tag = nn.Linear(d, tags)

    def forward(self, ids, pad):
        h = self.emb(ids)
        return self.tag(self.norm(h + self.attn(h, pad)))


def batches(n, length=8):
    for _ in range(n):
        ids = torch.randint(0, 20, (5, length))
        lengths = torch.tensor([8, 7, 5, 4, 8])
        yield ids, torch.arange(length)[None, :] >= lengths[:, None]


if __name__ == "__main__":
    torch.manual_seed(0)
    model = WindowTagger()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for ids, pad in batches(3):
        logits = model(ids, pad)
        loss = nn.functional.cross_entropy(logits[~pad], (ids % 3)[~pad])
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(loss.item())
