"""Sequence to sequence with GRUs."""
import torch
from torch import nn


class Seq2Seq(nn.Module):
    def __init__(self, v=12, h=10):
        super().__init__()
        self.emb = nn.Embedding(v, h)
        self.encoder = nn.GRU(h, h, batch_first=True)
        self.decoder = nn.GRU(h, h, batch_first=True)
        self.out = nn.Linear(h, v)

    def repackage(self, h):
        return h.detach()

    def forward(self, src, tgt):
        _, h = self.encoder(self.emb(src))
        h = self.repackage(h)
        y, _ = self.decoder(self.emb(tgt), h)
        return self.out(y)


def main():
    torch.manual_seed(0)
    model = Seq2Seq()
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    for it in range(3):
        s = torch.randint(0, 12, (4, 6))
        opt.zero_grad()
        logits = model(s, s[:, :-1])
        loss = nn.functional.cross_entropy(logits.reshape(-1, 12), s[:, 1:].reshape(-1))
        loss.backward()
        opt.step()
        print(it, loss.item())


main()
