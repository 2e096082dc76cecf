"""Prioritised replay with NumPy priorities."""
import copy, numpy as np, torch
from torch import nn
torch.manual_seed(0); np.random.seed(0)
q = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)); tgt = copy.deepcopy(q)
opt = torch.optim.Adam(q.parameters(), 1e-3)
mem, prio = [], []
eps = 1.
for t in range(60):
    s = torch.randn(4)
    a = np.random.randint(2) if np.random.rand() < eps else q(s).argmax().item()
    eps = max(.1, eps * .97)
    mem.append((s, a, float(s[a]), torch.randn(4), False)); prio.append(max(prio, default=1.))
    if t >= 30 and t % 5 == 0:
        p = np.array(prio) ** .6; p /= p.sum()
        idx = np.random.choice(len(mem), 16, p=p)
        w = torch.as_tensor((len(mem) * p[idx]) ** -.4, dtype=torch.float32); w /= w.max()
        s, a, r, s2, d = zip(*[mem[i] for i in idx])
        s, s2 = torch.stack(s), torch.stack(s2)
        with torch.no_grad(): y = torch.tensor(r) + .99 * tgt(s2).max(1)[0]
        td = y - q(s).gather(1, torch.tensor(a)[:, None]).squeeze(1)
        loss = (w * td.pow(2)).mean()
        opt.zero_grad(); loss.backward(); opt.step()
        for i, e in zip(idx, td.detach().abs().numpy()): prio[i] = float(e) + 1e-5
        if t % 20 == 0: tgt.load_state_dict(q.state_dict())
        print(loss.item())
