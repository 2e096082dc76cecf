"""Image and text contrastive pre-training; the text tower is a frozen language model with a new head."""
import torch
import torch.nn.functional as F
from torch import nn


class ConVirt(nn.Module):
    def __init__(self, d=12, vocab=30):
        super().__init__()
        self.image = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, d))
        self.language_model = nn.GRU(8, d, batch_first=True)
        self.token = nn.Embedding(vocab, 8)
        self.text_fc1 = nn.Linear(d, d)
        self.text_fc2 = nn.Linear(d, d)

    def text_encoder(self, ids):
        with torch.inference_mode():
            _, h = self.language_model(self.token(ids))
            out = self.text_fc2(torch.relu(self.text_fc1(h[-1])))
        return out.clone()

    def forward(self, x, ids):
        return F.normalize(self.image(x), dim=1), F.normalize(self.text_encoder(ids), dim=1)


def nt_xent(zi, zt, temperature=0.2):
    logits = zi @ zt.t() / temperature
    target = torch.arange(len(zi))
    return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target))


def main():
    torch.manual_seed(0)
    model = ConVirt()
    model.language_model.requires_grad_(False)
    model.token.requires_grad_(False)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    for step in range(4):
        loss = nt_xent(*model(torch.randn(8, 16), torch.randint(0, 30, (8, 5))))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, loss.item())


if __name__ == "__main__":
    main()
