"""Small-object detector with a learnable threshold on the reconstruction difference."""
import torch
from torch import nn


class DifferenceGuide(nn.Module):
    def __init__(self):
        super().__init__()
        self.learnable_thresh = nn.Parameter(torch.tensor(0.05))

    def forward(self, image, recon, feature):
        diff = (image - recon).abs().mean(dim=1, keepdim=True)
        mask = (torch.sign(diff - self.learnable_thresh) + 1) * 0.5
        return feature * (1 + mask)


class TinyDetector(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.backbone = nn.Conv2d(3, c, 3, padding=1)
        self.recon_head = nn.Conv2d(c, 3, 1)
        self.guide = DifferenceGuide()
        self.score = nn.Conv2d(c, 1, 1)

    def forward(self, image):
        feature = torch.relu(self.backbone(image))
        recon = torch.sigmoid(self.recon_head(feature))
        guided = self.guide(image, recon, feature)
        return recon, self.score(guided)


def losses(image, target, recon, score):
    return {
        "recon": nn.functional.mse_loss(recon, image),
        "score": nn.functional.binary_cross_entropy_with_logits(score, target),
    }


if __name__ == "__main__":
    torch.manual_seed(0)
    net = TinyDetector()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for it in range(4):
        image = torch.rand(2, 3, 8, 8)
        parts = losses(image, (image[:, :1] > 0.8).float(), *net(image))
        opt.zero_grad()
        sum(parts.values()).backward()
        opt.step()
        print(it, {k: round(v.item(), 4) for k, v in parts.items()})
