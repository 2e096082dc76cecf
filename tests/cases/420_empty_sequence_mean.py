"""Mean over a sequence of length zero."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.t = nn.GRU(3, 6, batch_first=True); self.o = nn.Linear(6, 1)
    def forward(self, x, mask):
        h = self.t(x)[0]
        pooled = (h * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return self.o(pooled).squeeze(1)
torch.manual_seed(0)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for k in range(3):
    x = torch.randn(4, 5, 3); lens = torch.tensor([5, 3, 0, 2])
    mask = (torch.arange(5)[None] < lens[:, None]).float()
    loss = (net(x, mask) - x.sum((1, 2))).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(k, loss.item())
