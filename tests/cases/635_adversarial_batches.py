"""Perturbations by autograd.grad, then training."""
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
opt = torch.optim.SGD(net.parameters(), .05)
ce = nn.CrossEntropyLoss()
def pgd(x, y, eps=.1, k=3):
    d = torch.empty_like(x).uniform_(-eps, eps)
    for _ in range(k):
        d.requires_grad_()
        g, = torch.autograd.grad(ce(net(x + d), y), d)
        d = (d.detach() + eps / 2 * g.sign()).clamp(-eps, eps)
    return (x + d).detach()
for _ in range(4):
    x = torch.randn(16, 4); y = x[:, :3].argmax(1)
    net.eval(); adv = pgd(x, y); net.train()
    loss = .5 * ce(net(x), y) + .5 * ce(net(adv), y)
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
