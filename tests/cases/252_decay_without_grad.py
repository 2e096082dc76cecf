"""A hand-written optimizer with orthogonalised momentum, used on prompts per task."""
import torch
from torch import nn


class TinyMuon(torch.optim.Optimizer):
    def __init__(self, params, lr=0.02, momentum=0.9, weight_decay=0.05):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.mul_(1 - group["lr"] * group["weight_decay"])
                if p.grad is None:
                    continue
                buf = self.state[p].setdefault("buf", torch.zeros_like(p))
                buf.mul_(group["momentum"]).add_(p.grad)
                p.add_(buf / (buf.norm() + 1e-7), alpha=-group["lr"])


class PromptPool(nn.Module):
    def __init__(self, tasks=3, d=8):
        super().__init__()
        self.prompts = nn.ParameterList(nn.Parameter(torch.randn(2, d) * 0.5) for _ in range(tasks))
        self.mix = nn.Linear(d, d)
        self.out = nn.Linear(d, 4)

    def forward(self, x, task):
        return self.out(torch.tanh(self.mix(x) + self.prompts[task].mean(0)))


def main(task=1):
    torch.manual_seed(0)
    model = PromptPool()
    optimizer = TinyMuon(model.parameters())
    for step in range(4):
        x = torch.randn(10, 8)
        loss = nn.functional.cross_entropy(model(x, task), x[:, :4].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, loss.item(), [round(p.norm().item(), 4) for p in model.prompts])


if __name__ == "__main__":
    main()
