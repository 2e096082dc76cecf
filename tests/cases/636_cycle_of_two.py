"""Two generators, two critics, a replay pool."""
import itertools, random, torch
from torch import nn
torch.manual_seed(0); random.seed(0)
def mk(i, o): return nn.Sequential(nn.Linear(i, 8), nn.LeakyReLU(.2), nn.Linear(8, o))
G, F_, DA, DB = mk(4, 4), mk(4, 4), mk(4, 1), mk(4, 1)
og = torch.optim.Adam(itertools.chain(G.parameters(), F_.parameters()), 2e-4)
od = torch.optim.Adam(itertools.chain(DA.parameters(), DB.parameters()), 2e-4)
mse, l1 = nn.MSELoss(), nn.L1Loss()
pool = []
def replay(x):
    x = x.detach()
    pool.append(x)
    return random.choice(pool[-5:])
for _ in range(4):
    a, b = torch.randn(8, 4), torch.randn(8, 4) + 1
    for p in itertools.chain(DA.parameters(), DB.parameters()): p.requires_grad = False
    fb, fa = G(a), F_(b)
    one = torch.ones(8, 1)
    g = mse(DB(fb), one) + mse(DA(fa), one) + 10 * (l1(F_(fb), a) + l1(G(fa), b)) + 5 * (l1(G(b), b) + l1(F_(a), a))
    og.zero_grad(); g.backward(); og.step()
    for p in itertools.chain(DA.parameters(), DB.parameters()): p.requires_grad = True
    od.zero_grad()
    d = 0
    for D, real, fake in ((DA, a, fa), (DB, b, fb)):
        l = .5 * (mse(D(real), one) + mse(D(replay(fake)), 0 * one)); l.backward(); d += l.item()
    od.step(); print(g.item(), d)
