"""Value learning."""
import copy, torch
from torch import nn
torch.manual_seed(0)
q = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
tgt = copy.deepcopy(q)
opt = torch.optim.Adam(q.parameters(), 1e-3)
for it in range(6):
    s, a, r, s2 = torch.randn(32, 4), torch.randint(0, 2, (32, 1)), torch.randn(32), torch.randn(32, 4)
    pred = tgt(s).gather(1, a).squeeze(1)
    with torch.no_grad():
        y = r + .99 * tgt(s2).max(1).values
    loss = nn.functional.smooth_l1_loss(pred, y)
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
