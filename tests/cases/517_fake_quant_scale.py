"""Quantisation-aware training: the wrapper's scale is a parameter that only meets rounded integers."""
import torch
from torch import nn


class FakeQuant(nn.Module):
    def __init__(self, bits=8):
        super().__init__()
        self.qmax = 2 ** (bits - 1) - 1
        self.scale = nn.Parameter(torch.tensor(0.05))

    def forward(self, x):
        q = (x / self.scale).round().clamp(-self.qmax, self.qmax)
        return x + (q * self.scale - x).detach()


class QATWrapper(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.act_q = nn.ModuleList([FakeQuant() for m in inner if isinstance(m, nn.Linear)])

    def forward(self, x):
        qs = iter(self.act_q)
        for m in self.inner:
            if isinstance(m, nn.Linear):
                x = next(qs)(x)
            x = m(x)
        return x


def parameter_groups(model):
    scales = [p for n, p in model.named_parameters() if n.endswith("scale")]
    rest = [p for n, p in model.named_parameters() if not n.endswith("scale")]
    return [{"params": rest, "lr": 1e-2}, {"params": scales, "lr": 1e-3}]


def main():
    torch.manual_seed(0)
    net = QATWrapper(nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 2)))
    opt = torch.optim.SGD(parameter_groups(net), momentum=0.9)
    for it in range(4):
        x = torch.randn(16, 6)
        loss = nn.functional.cross_entropy(net(x), (x.sum(1) > 0).long())
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
