"""Architecture search where low-rank adapters are toggled on after a warm start."""
import torch
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.linear = nn.Linear(d_in, d_out)
        self.rank = 0

    def activate_lora(self, r):
        self.rank = r
        self.lora_A = nn.Parameter(torch.randn(r, self.linear.in_features) * 0.1)
        self.lora_B = nn.Parameter(torch.randn(self.linear.out_features, r) * 0.1)
        self.linear.weight.requires_grad_(False)

    def forward(self, x):
        out = self.linear(x)
        if self.rank:
            out = out + x @ self.lora_A.t() @ self.lora_B.t()
        return out


class SuperNet(nn.Module):
    def __init__(self, d=8):
        super().__init__()
        self.cells = nn.ModuleDict({"c0": LoRALinear(d, 16), "c1": LoRALinear(16, 16)})
        self.classifier = nn.Linear(16, 3)

    def forward(self, x):
        for cell in self.cells.values():
            x = torch.relu(cell(x))
        return self.classifier(x)


class Profile:
    def __init__(self, warm_epochs=1, r=2):
        self.warm_epochs, self.r = warm_epochs, r

    def on_epoch(self, net, epoch):
        if epoch == self.warm_epochs:
            for cell in net.cells.values():
                cell.activate_lora(self.r)


def search(net, profile, epochs=3):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for epoch in range(epochs):
        profile.on_epoch(net, epoch)
        for _ in range(2):
            x = torch.randn(16, 8)
            loss = nn.functional.cross_entropy(net(x), x[:, :3].argmax(1))
            net.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    torch.manual_seed(0)
    search(SuperNet(), Profile())
