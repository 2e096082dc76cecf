"""A new head for the clusters of each epoch."""
import torch
from torch import nn
torch.manual_seed(0)
body = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 8))
xs = torch.randn(64, 4)
opt_b = torch.optim.SGD(body.parameters(), .05)
for ep in range(3):
    with torch.no_grad():
        z = body(xs)
        c = z[torch.randperm(64)[:4]]
        for _ in range(5):
            lab = torch.cdist(z, c).argmin(1)
            c = torch.stack([z[lab == k].mean(0) if (lab == k).any() else c[k] for k in range(4)])
    head = nn.Linear(8, 4)
    opt_h = torch.optim.SGD(head.parameters(), .05)
    for i in torch.randperm(64).split(16):
        loss = nn.functional.cross_entropy(head(body(xs[i])), lab[i])
        opt_b.zero_grad(); opt_h.zero_grad(); loss.backward(); opt_b.step(); opt_h.step()
    print(loss.item())
