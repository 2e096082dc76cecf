"""Binary segmentation with a Dice loss that has a threshold option."""
import functools

import torch
from torch import nn


def dice_loss(logits, mask, threshold=None, eps=1.0):
    prob = torch.sigmoid(logits)
    if threshold is not None:
        prob = (prob > threshold).type(prob.dtype)
    tp = (prob * mask).sum(dim=(1, 2, 3))
    total = prob.sum(dim=(1, 2, 3)) + mask.sum(dim=(1, 2, 3))
    return (1 - (2 * tp + eps) / (total + eps)).mean()


class SegNet(nn.Module):
    def __init__(self, c=6):
        super().__init__()
        self.down = nn.Conv2d(3, c, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(c, 1, 4, stride=2, padding=1)

    def forward(self, x):
        return self.up(torch.relu(self.down(x)))


class TrainEpoch:
    def __init__(self, model, loss, optimizer):
        self.model, self.loss, self.optimizer = model, loss, optimizer

    def batch_update(self, x, y):
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), y)
        print("dice", loss.item())
        loss.backward()
        self.optimizer.step()


def main():
    torch.manual_seed(0)
    model = SegNet()
    criterion = functools.partial(dice_loss, threshold=0.5)
    epoch = TrainEpoch(model, criterion, torch.optim.Adam(model.parameters(), lr=1e-3))
    for _ in range(3):
        x = torch.rand(4, 3, 12, 12)
        epoch.batch_update(x, (x[:, :1] > 0.6).float())


if __name__ == "__main__":
    main()
