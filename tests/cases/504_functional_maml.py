"""Few-shot regression in the functional style: torch.func with explicit parameter dicts."""
import torch
from torch import nn
from torch.func import functional_call, grad, vmap


class SineNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU())
        self.out = nn.Linear(20, 1)

    def forward(self, x):
        return self.out(self.body(x))


class Learner:
    def __init__(self, net, inner_lr=0.05):
        self.net, self.inner_lr = net, inner_lr

    def loss(self, params, x, y):
        return (functional_call(self.net, params, (x,)) - y).pow(2).mean()

    def adapt(self, params, x, y):
        g = grad(self.loss)(params, x, y)
        return {k: v - self.inner_lr * g[k] for k, v in params.items()}

    def task_loss(self, params, xs, ys, xq, yq):
        return self.loss(self.adapt(params, xs, ys), xq, yq)


def tasks(n):
    amp, phase = torch.rand(n, 1, 1) * 3 + 1, torch.rand(n, 1, 1) * 3
    x = torch.rand(n, 10, 1) * 6 - 3
    y = amp * torch.sin(x + phase)
    return x[:, :5], y[:, :5], x[:, 5:], y[:, 5:]


def main():
    torch.manual_seed(0)
    net = SineNet()
    learner = Learner(net)
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for it in range(4):
        params = dict(net.named_parameters())
        losses = vmap(learner.task_loss, in_dims=(None, 0, 0, 0, 0))(params, *tasks(4))
        opt.zero_grad()
        losses.mean().backward()
        opt.step()
        print(it, losses.mean().item())


if __name__ == "__main__":
    main()
