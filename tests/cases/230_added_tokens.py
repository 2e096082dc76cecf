"""Continue training a language model after new tokens were added to its vocabulary."""
import torch
import torch.nn.functional as F
from torch import nn


class SmallLM(nn.Module):
    def __init__(self, vocab, d=12):
        super().__init__()
        self.embeddings = nn.Embedding(vocab, d)
        self.rnn = nn.GRU(d, d, batch_first=True)
        self.decoder = nn.Linear(d, 20)

    def resize_token_embeddings(self, n):
        old = self.embeddings
        new = nn.Embedding(n, old.embedding_dim)
        with torch.no_grad():
            new.weight[: old.num_embeddings] = old.weight
        self.embeddings = new
        return new

    def forward(self, ids):
        h, _ = self.rnn(self.embeddings(ids))
        return self.decoder(h)


def make_optimizer(model, decay=0.01):
    groups = [
        {"params": [p for n, p in model.named_parameters() if p.dim() > 1], "weight_decay": decay},
        {"params": [p for n, p in model.named_parameters() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=3e-3)


def train(model, optimizer, n_tokens, steps=4):
    model.resize_token_embeddings(n_tokens)
    model.train()
    for step in range(steps):
        ids = torch.randint(0, n_tokens, (6, 8))
        loss = F.cross_entropy(model(ids).flatten(0, 1), (ids % 20).flatten())
        model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        print(step, loss.item())


if __name__ == "__main__":
    torch.manual_seed(0)
    lm = SmallLM(vocab=30)
    train(lm, make_optimizer(lm), n_tokens=33)
