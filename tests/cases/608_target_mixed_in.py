"""Two views, one slow target."""
import copy, torch, torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
online = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 8))
target = copy.deepcopy(online).requires_grad_(False)
pred = nn.Sequential(nn.Linear(8, 8))
opt = torch.optim.Adam([*online.parameters(), *pred.parameters()], 3e-4)
tau = .004
for it in range(8):
    x = torch.randn(32, 6)
    a, b = x + .1 * torch.randn_like(x), x + .1 * torch.randn_like(x)
    loss = 2 - 2 * F.cosine_similarity(pred(online(a)), target(b)).mean()
    opt.zero_grad(); loss.backward(); opt.step()
    for o, t in zip(online.parameters(), target.parameters()):
        o.data.mul_(tau).add_(t.data, alpha=1 - tau)
    print(loss.item())
