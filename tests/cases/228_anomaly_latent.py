"""Skip autoencoder with adversarial, contextual and latent losses."""
import torch
import torch.nn.functional as F
from torch import nn


class NetG(nn.Module):
    def __init__(self, d=12):
        super().__init__()
        self.enc = nn.Linear(d, 6)
        self.dec = nn.Linear(6, d)

    def forward(self, x):
        return x * 0.1 + self.dec(torch.tanh(self.enc(x)))


class NetD(nn.Module):
    def __init__(self, d=12):
        super().__init__()
        self.feat = nn.Sequential(nn.Linear(d, 10), nn.LeakyReLU(0.2))
        self.cls = nn.Linear(10, 1)

    def forward(self, x):
        f = self.feat(x)
        return self.cls(f).squeeze(1), f


class SkipGanomaly:
    def __init__(self, w_lat=2.0):
        self.netg, self.netd, self.w_lat = NetG(), NetD(), w_lat
        self.optimizer_g = torch.optim.Adam(self.netg.parameters(), lr=2e-3)
        self.optimizer_d = torch.optim.Adam(self.netd.parameters(), lr=2e-3)

    def forward(self, x):
        self.input = x
        self.fake = self.netg(x)
        self.pred_real, self.feat_real = self.netd(self.input)
        self.pred_fake, self.feat_fake = self.netd(self.fake.detach())

    def backward_g(self):
        adv = F.softplus(-self.netd(self.fake)[0]).mean()
        con = F.l1_loss(self.fake, self.input)
        lat = F.mse_loss(self.feat_fake.detach(), self.feat_real.detach())
        self.err_g = adv + 20 * con + self.w_lat * lat
        self.err_g.backward()

    def backward_d(self):
        self.err_d = F.softplus(-self.pred_real).mean() + F.softplus(self.pred_fake).mean()
        self.err_d.backward()

    def optimize(self, x):
        self.forward(x)
        self.optimizer_g.zero_grad()
        self.backward_g()
        self.optimizer_g.step()
        self.optimizer_d.zero_grad()
        self.backward_d()
        self.optimizer_d.step()
        return self.err_g.item(), self.err_d.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    model = SkipGanomaly()
    for it in range(4):
        print(it, model.optimize(torch.randn(16, 12)))
