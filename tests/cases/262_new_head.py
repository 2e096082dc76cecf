"""Transfer to a new label set through a trainer that builds its optimizer early."""
import torch
from torch import nn


class AudioNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.frontend = nn.Conv1d(1, 6, 5, stride=2)
        self.body = nn.Linear(6, 12)
        self.classifier = nn.Sequential(nn.Dropout(0.1), nn.Linear(12, n_classes))

    def forward(self, wave):
        h = torch.relu(self.frontend(wave)).mean(dim=-1)
        return self.classifier(torch.relu(self.body(h)))


class Trainer:
    def __init__(self, model, lr=1e-2):
        self.model = model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 10)

    def replace_head(self, n_classes):
        old = self.model.classifier[-1]
        self.model.classifier[-1] = nn.Linear(old.in_features, n_classes)

    def train_step(self, wave, label):
        self.optimizer.zero_grad()
        self.model.zero_grad()
        loss = nn.functional.cross_entropy(self.model(wave), label)
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    trainer = Trainer(AudioNet(10))
    trainer.replace_head(4)
    for step in range(4):
        print(step, trainer.train_step(torch.randn(8, 1, 40), torch.randint(0, 4, (8,))))
