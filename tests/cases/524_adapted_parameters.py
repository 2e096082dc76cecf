"""MAML with learnable per-parameter rates in a ParameterDict; adapted weights are rebuilt with nn.Parameter."""
import torch
from torch import nn
from torch.func import functional_call


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2 = nn.Linear(1, 16), nn.Linear(16, 1)

    def forward(self, x):
        return self.l2(torch.tanh(self.l1(x)))


class Meta(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base = base
        self.rates = nn.ParameterDict({k.replace(".", "_"): nn.Parameter(torch.full((), 0.1)) for k, _ in base.named_parameters()})

    def adapt(self, x, y):
        params = dict(self.base.named_parameters())
        loss = (functional_call(self.base, params, (x,)) - y).pow(2).mean()
        grads = torch.autograd.grad(loss, list(params.values()), create_graph=True)
        return {k: nn.Parameter(p - self.rates[k.replace(".", "_")] * g) for (k, p), g in zip(params.items(), grads)}

    def forward(self, xs, ys, xq):
        return functional_call(self.base, self.adapt(xs, ys), (xq,))


def main():
    torch.manual_seed(0)
    meta = Meta(Model())
    opt = torch.optim.Adam(meta.parameters(), lr=1e-2)
    for it in range(4):
        total = 0
        for _ in range(3):
            x = torch.rand(20, 1) * 6 - 3
            y = torch.sin(x + torch.rand(1) * 3)
            total = total + (meta(x[:10], y[:10], x[10:]) - y[10:]).pow(2).mean()
        opt.zero_grad()
        total.backward()
        opt.step()
        print(it, total.item())


if __name__ == "__main__":
    main()
