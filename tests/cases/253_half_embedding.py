"""Document model in half precision, fine-tuned with a very small learning rate."""
import torch
import torch.nn.functional as F
from torch import nn


class DocModel(nn.Module):
    def __init__(self, vocab=40, d=16):
        super().__init__()
        self.table = nn.Embedding(vocab, d)
        self.norm = nn.LayerNorm(d)
        self.label = nn.Linear(d, 3)
        nn.init.normal_(self.table.weight, mean=2.0, std=0.1)

    def forward(self, ids):
        return self.label(self.norm(self.table(ids).mean(dim=1)))


def cast(model, dtype):
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.weight.data = module.weight.data.to(dtype)
    return model


class Model16(nn.Module):
    def __init__(self):
        super().__init__()
        self.doc = cast(DocModel(), torch.bfloat16)

    def forward(self, ids):
        h = self.doc.table(ids).float().mean(dim=1)
        return self.doc.label(self.doc.norm(h))


def train(model, steps=4, lr=1e-3):
    opt = torch.optim.SGD(model.parameters(), lr=lr)
    for step in range(steps):
        ids = torch.randint(0, 40, (12, 6))
        loss = F.cross_entropy(model(ids), ids[:, 0] % 3)
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(step, loss.item())


if __name__ == "__main__":
    torch.manual_seed(0)
    train(Model16())
