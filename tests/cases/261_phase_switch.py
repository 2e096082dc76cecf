"""Train and validation phases in one loop, with the gradient switch set per phase."""
import torch
from torch import nn

PHASES = ("train", "val")


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(6, 16)
        self.l2 = nn.Linear(16, 8)

    def forward(self, x):
        return torch.relu(self.l2(torch.relu(self.l1(x))))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = Backbone()
        self.top = nn.Linear(8, 3)

    def forward(self, x, phase):
        with torch.set_grad_enabled(phase == "training"):
            h = self.features(x)
        return self.top(h)


def run(model, optimizer, criterion, data):
    for phase in PHASES:
        model.train(phase == "train")
        total = 0.0
        for x, y in data[phase]:
            optimizer.zero_grad()
            loss = criterion(model(x, phase), y)
            if phase == "train":
                loss.backward()
                optimizer.step()
            total += loss.item()
        print(phase, total / len(data[phase]))


if __name__ == "__main__":
    torch.manual_seed(0)
    model = Classifier()
    x = torch.randn(48, 6)
    y = x[:, :3].argmax(1)
    batches = list(zip(x.split(12), y.split(12)))
    data = {"train": batches[:3], "val": batches[3:]}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(2):
        run(model, optimizer, nn.CrossEntropyLoss(), data)
