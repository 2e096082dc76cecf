"""Multi-task training with projected gradients (PCGrad) computed through autograd.grad (healthy)."""
import torch
from torch import nn


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
        self.heads = nn.ModuleDict({"depth": nn.Linear(16, 1), "normal": nn.Linear(16, 3)})

    def forward(self, x):
        h = self.trunk(x)
        return {k: head(h) for k, head in self.heads.items()}


def project(grads):
    out = []
    for i, g in enumerate(grads):
        g = g.clone()
        for j, other in enumerate(grads):
            dot = g @ other
            if j != i and dot < 0:
                g -= dot / (other @ other) * other
        out.append(g)
    return torch.stack(out).sum(0)


def flat(loss, params, keep):
    gs = torch.autograd.grad(loss, params, retain_graph=keep, allow_unused=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in zip(params, gs)])


def main():
    torch.manual_seed(0)
    net = Shared()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    params = list(net.parameters())
    for step in range(4):
        x = torch.randn(12, 6)
        out = net(x)
        losses = [(out["depth"][:, 0] - x[:, 0]).pow(2).mean(), (out["normal"] - x[:, 1:4]).abs().mean()]
        merged = project([flat(l, params, i == 0) for i, l in enumerate(losses)])
        at = 0
        for p in params:
            p.grad = merged[at:at + p.numel()].view_as(p).clone()
            at += p.numel()
        opt.step()
        print(step, [l.item() for l in losses])


if __name__ == "__main__":
    main()
