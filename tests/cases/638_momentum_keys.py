"""A momentum encoder inside the model."""
import copy, torch, torch.nn.functional as F
from torch import nn
class MoCo(nn.Module):
    def __init__(self, m=.99):
        super().__init__()
        self.q = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 8))
        self.k = copy.deepcopy(self.q)
        for p in self.k.parameters():
            p.requires_grad_(False)
        self.m = m
        self.register_buffer("queue", F.normalize(torch.randn(8, 64), dim=0))
    @torch.no_grad()
    def update(self):
        for a, b in zip(self.q.parameters(), self.k.parameters()):
            b.data = b.data * self.m + a.data * (1 - self.m)
    @torch.no_grad()
    def enqueue(self, keys):
        self.queue = torch.cat([self.queue[:, len(keys):], keys.T], 1)
    def forward(self, a, b):
        q = F.normalize(self.q(a), dim=1)
        with torch.no_grad():
            self.update()
            k = F.normalize(self.k(b), dim=1)
        logits = torch.cat([(q * k).sum(1, keepdim=True), q @ self.queue.clone().detach()], 1) / .1
        self.enqueue(k)
        return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))
torch.manual_seed(0)
model = MoCo()
opt = torch.optim.SGD(model.parameters(), .03, momentum=.9, weight_decay=1e-4)
for it in range(5):
    x = torch.randn(16, 6)
    loss = model(x + .1 * torch.randn_like(x), x + .1 * torch.randn_like(x))
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
