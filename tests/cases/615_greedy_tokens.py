"""Scoring generated sequences."""
import torch
from torch import nn
class Gen(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.rnn, self.out = nn.Embedding(12, 8), nn.GRUCell(8, 8), nn.Linear(8, 12)
    def sample(self, n, steps):
        h, tok, toks = torch.zeros(n, 8), torch.zeros(n, dtype=torch.long), []
        for _ in range(steps):
            h = self.rnn(self.emb(tok), h)
            logits = self.out(h)
            tok = logits.argmax(-1)
            toks.append(tok)
        return torch.stack(toks, 1)
torch.manual_seed(0)
gen = Gen()
scorer = nn.Sequential(nn.Embedding(12, 8), nn.Flatten(), nn.Linear(32, 1))
opt = torch.optim.Adam([*gen.parameters(), *scorer.parameters()], 1e-3)
for _ in range(3):
    s = gen.sample(6, 4)
    loss = -scorer(s).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
