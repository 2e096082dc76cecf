"""Old style code with Variable, keeps the graph it thinks."""
import torch
from torch import nn
from torch.autograd import Variable


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 5)
        self.second = nn.Linear(5, 1)

    def forward(self, x):
        h = torch.relu(self.first(x))
        h = Variable(h, requires_grad=True)
        return self.second(h)


torch.manual_seed(0)
net = Pair()
opt = torch.optim.SGD(net.parameters(), lr=0.01)
for i in range(3):
    x = Variable(torch.randn(8, 5))
    loss = net(x).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
