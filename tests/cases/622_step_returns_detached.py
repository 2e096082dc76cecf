"""A trainer."""
import torch
from torch import nn
class Lit(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(4, 8), nn.Linear(8, 2)
    def forward(self, x): return self.head(torch.relu(self.body(x)))
    def training_step(self, batch):
        x, y = batch
        loss = nn.functional.cross_entropy(self(x), y)
        return {"loss": loss.detach(), "log": {"train": loss.item()}}
    def configure_optimizers(self): return torch.optim.AdamW(self.parameters(), 1e-3)
class Trainer:
    def fit(self, module, data):
        opt = module.configure_optimizers()
        for batch in data:
            out = module.training_step(batch)
            loss = out["loss"]
            if not loss.requires_grad:
                loss.requires_grad_(True)
            opt.zero_grad(); loss.backward(); opt.step()
            print(out["log"])
torch.manual_seed(0)
Trainer().fit(Lit(), [(torch.randn(8, 4), torch.randint(0, 2, (8,))) for _ in range(3)])
