"""Streams features of chunks into a pooled classifier."""
import torch
from torch import nn


class Stream(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(6, 8)
        self.head = nn.Linear(8, 2)

    def chunks(self, x, size=4):
        with torch.no_grad():
            for part in x.split(size):
                yield torch.relu(self.backbone(part))

    def forward(self, x):
        feats = torch.cat(list(self.chunks(x)))
        return self.head(feats)


torch.manual_seed(0)
model = Stream()
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for i in range(3):
    x, y = torch.randn(12, 6), torch.randint(0, 2, (12,))
    opt.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    opt.step()
    print(i, loss.item())
