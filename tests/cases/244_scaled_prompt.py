"""Prompt tuning: learned context vectors in front of frozen word embeddings."""
import torch
from torch import nn


class PromptLearner(nn.Module):
    def __init__(self, n_ctx=4, d=12, n_cls=3):
        super().__init__()
        self.ctx = nn.Parameter(torch.randn(n_ctx, d)) * 0.02
        self.register_buffer("names", torch.randn(n_cls, 2, d))

    def forward(self):
        ctx = self.ctx.unsqueeze(0).expand(len(self.names), -1, -1)
        return torch.cat([ctx, self.names], dim=1)


class CustomClip(nn.Module):
    def __init__(self, d=12):
        super().__init__()
        self.prompt_learner = PromptLearner(d=d)
        self.text_encoder = nn.TransformerEncoderLayer(d, 2, 24, dropout=0.0, batch_first=True)
        self.image_encoder = nn.Linear(20, d)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, image):
        text = self.text_encoder(self.prompt_learner()).mean(dim=1)
        image = self.image_encoder(image)
        return nn.functional.cosine_similarity(image.unsqueeze(1), text.unsqueeze(0), dim=-1) * 10 + self.bias


def main():
    torch.manual_seed(0)
    model = CustomClip()
    model.text_encoder.requires_grad_(False)
    model.image_encoder.requires_grad_(False)
    trainable = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    print([n for n, _ in trainable])
    optimizer = torch.optim.SGD([p for _, p in trainable], lr=0.1)
    for step in range(4):
        loss = nn.functional.cross_entropy(model(torch.randn(9, 20)), torch.arange(9) % 3)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, loss.item())


if __name__ == "__main__":
    main()
