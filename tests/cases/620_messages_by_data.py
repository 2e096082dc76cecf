"""Message passing."""
import torch
from torch import nn
class GNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.msg, self.upd = nn.Linear(4, 8), nn.Linear(12, 1)
    def forward(self, x, src, dst):
        n = len(x)
        m = torch.relu(self.msg(x[src]))
        agg = torch.zeros(n, 8)
        agg.index_add_(0, dst, m.data)
        return self.upd(torch.cat([x, agg], 1))
torch.manual_seed(0)
net = GNN()
opt = torch.optim.Adam(net.parameters(), 1e-2)
src, dst = torch.randint(0, 10, (30,)), torch.randint(0, 10, (30,))
for _ in range(3):
    x = torch.randn(10, 4)
    loss = (net(x, src, dst) - x.sum(1, keepdim=True)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
