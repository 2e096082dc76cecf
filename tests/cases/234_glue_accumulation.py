"""Sentence-pair classification with gradient accumulation from the command-line defaults."""
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Args:
    train_batch_size: int = 8
    gradient_accumulation_steps: int = 16
    num_train_epochs: int = 2
    learning_rate: float = 2e-3
    max_grad_norm: float = 1.0


class PairClassifier(nn.Module):
    def __init__(self, vocab=40, d=12):
        super().__init__()
        self.bag = nn.EmbeddingBag(vocab, d)
        self.dense = nn.Linear(2 * d, d)
        self.classifier = nn.Linear(d, 2)

    def forward(self, a, b):
        both = torch.cat([self.bag(a), self.bag(b)], dim=1)
        return self.classifier(torch.tanh(self.dense(both)))


def train(args, model, dataset):
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate)
    a, b, y = dataset
    model.zero_grad()
    for epoch in range(args.num_train_epochs):
        batches = list(zip(*(t.split(args.train_batch_size) for t in (a, b, y))))
        for step, (xa, xb, label) in enumerate(batches):
            loss = nn.functional.cross_entropy(model(xa, xb), label)
            loss = loss / args.gradient_accumulation_steps
            loss.backward()
            if (step + 1) % args.gradient_accumulation_steps == 0:
                nn.utils.clip_grad_norm_(model.parameters(), args.max_grad_norm)
                optimizer.step()
                model.zero_grad()
        print("epoch", epoch, loss.item() * args.gradient_accumulation_steps)


if __name__ == "__main__":
    torch.manual_seed(0)
    pairs = torch.randint(0, 40, (48, 5)), torch.randint(0, 40, (48, 5)), torch.randint(0, 2, (48,))
    train(Args(), PairClassifier(), pairs)
