"""Values from replayed observations."""
import random, torch
from collections import deque
from torch import nn
torch.manual_seed(0); random.seed(0)
encoder, q = nn.Sequential(nn.Linear(4, 8), nn.ReLU()), nn.Sequential(nn.Linear(8, 1))
opt = torch.optim.Adam(list(encoder.parameters()) + list(q.parameters()), 1e-3)
buffer = deque(maxlen=100)
for it in range(40):
    obs = torch.randn(4); r = float(obs.sum())
    buffer.append((encoder(obs).detach(), r))
    if it >= 16 and it % 4 == 0:
        batch = random.sample(list(buffer), 8)
        z = torch.stack([b[0] for b in batch]); y = torch.tensor([[b[1]] for b in batch])
        loss = (q(z) - y).pow(2).mean()
        opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
