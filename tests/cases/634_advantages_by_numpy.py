"""Advantages computed with NumPy."""
import numpy as np, torch
from torch import nn
class AC(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.pi, self.v = nn.Linear(4, 16), nn.Linear(16, 2), nn.Linear(16, 1)
    def forward(self, s):
        h = torch.tanh(self.body(s))
        return torch.distributions.Categorical(logits=self.pi(h)), self.v(h).squeeze(-1)
torch.manual_seed(0); np.random.seed(0)
net = AC(); opt = torch.optim.RMSprop(net.parameters(), 1e-3)
for ep in range(3):
    S, A, R, V = [], [], [], []
    s = np.random.randn(4).astype(np.float32)
    for t in range(16):
        with torch.no_grad(): d, v = net(torch.from_numpy(s))
        a = d.sample().item()
        S.append(s); A.append(a); R.append(float(a == (s[0] > 0))); V.append(v.item())
        s = np.random.randn(4).astype(np.float32)
    adv, last = np.zeros(16, np.float32), 0.
    for t in reversed(range(16)):
        nv = V[t + 1] if t < 15 else 0.
        last = R[t] + .99 * nv - V[t] + .99 * .95 * last; adv[t] = last
    ret = adv + np.array(V, np.float32)
    d, v = net(torch.from_numpy(np.stack(S)))
    a = torch.tensor(A); at = torch.from_numpy((adv - adv.mean()) / (adv.std() + 1e-8))
    loss = -(d.log_prob(a) * at).mean() + .5 * (v - torch.from_numpy(ret)).pow(2).mean() - .01 * d.entropy().mean()
    opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(net.parameters(), .5); opt.step(); print(loss.item())
