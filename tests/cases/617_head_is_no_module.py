"""A small language model."""
import torch
from torch import nn
class Head:
    def __init__(self, v):
        self.proj = nn.Linear(8, v, bias=False)
    def __call__(self, h):
        return self.proj(h)
class LM(nn.Module):
    def __init__(self, v=12):
        super().__init__()
        self.emb, self.rnn = nn.Embedding(v, 8), nn.GRU(8, 8, batch_first=True)
        self.lm_head = Head(v)
    def forward(self, x): return self.lm_head(self.rnn(self.emb(x))[0])
torch.manual_seed(0)
net = LM(); opt = torch.optim.Adam(net.parameters(), 1e-3)
for _ in range(3):
    x = torch.randint(0, 12, (4, 6))
    loss = nn.functional.cross_entropy(net(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
