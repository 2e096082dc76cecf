"""Fine-tuning after magnitude pruning: gradients of removed weights are set to zero."""
import torch
from torch import nn


class Masker:
    def __init__(self, model, rate=0.4):
        self.masks = {}
        for name, p in model.named_parameters():
            if p.dim() > 1:
                limit = p.detach().abs().flatten().kthvalue(int(rate * p.numel())).values
                self.masks[name] = (p.detach().abs() > limit).float()
                p.data.mul_(self.masks[name])

    def do_grad_mask(self, model):
        for name, p in model.named_parameters():
            if name in self.masks:
                p.grad = p.grad * (1 - self.masks[name]) * (p != 0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 4, 3)
        self.c2 = nn.Conv2d(4, 4, 3)
        self.lin = nn.Linear(16, 3)

    def forward(self, x):
        return self.lin(torch.relu(self.c2(torch.relu(self.c1(x)))).flatten(1))


def finetune(net, masker, steps=4):
    opt = torch.optim.SGD(net.parameters(), lr=0.05)
    for step in range(steps):
        x = torch.randn(8, 1, 6, 6)
        loss = nn.functional.cross_entropy(net(x), torch.randint(0, 3, (8,)))
        opt.zero_grad()
        loss.backward()
        masker.do_grad_mask(net)
        opt.step()
        print(step, loss.item())


if __name__ == "__main__":
    torch.manual_seed(0)
    net = Net()
    finetune(net, Masker(net))
