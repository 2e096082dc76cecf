"""Image classes."""
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4 * 36, 3)
    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).flatten(1))
def train(model, loader, optimizer, criterion):
    model.train()
    for x, y in loader:
        optimizer.zero_grad
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        print(loss.item())
torch.manual_seed(0)
model = Net()
train(model, [(torch.randn(4, 1, 8, 8), torch.randint(0, 3, (4,))) for _ in range(4)], torch.optim.SGD(model.parameters(), 1e-2), nn.CrossEntropyLoss())
