"""Both low-rank factors start at zero."""
import torch
from torch import nn
class LoRA(nn.Module):
    def __init__(self, base, r=2):
        super().__init__()
        self.base = base
        self.base.requires_grad_(False)
        self.lora_A = nn.Parameter(torch.zeros(r, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, r))
    def forward(self, x):
        return self.base(x) + x @ self.lora_A.t() @ self.lora_B.t()
torch.manual_seed(0)
net = nn.Sequential(LoRA(nn.Linear(5, 8)), nn.ReLU(), LoRA(nn.Linear(8, 1)))
opt = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=1e-2)
for i in range(4):
    x = torch.randn(10, 5)
    loss = (net(x) - x[:, :1]).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
