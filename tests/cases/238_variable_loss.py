"""Speech separation brain: forward, objective and fit_batch as separate methods."""
import torch
from torch import nn
from torch.autograd import Variable


class Masker(nn.Module):
    def __init__(self, bands=12):
        super().__init__()
        self.rnn = nn.GRU(bands, 10, batch_first=True)
        self.mask = nn.Linear(10, bands)

    def forward(self, feats):
        h, _ = self.rnn(feats)
        return torch.sigmoid(self.mask(h))


class SpeakerBrain:
    def __init__(self, modules, lr=1e-2):
        self.modules = modules
        self.optimizer = torch.optim.Adam(modules["model"].parameters(), lr=lr)

    def compute_forward(self, batch):
        return {"predict": self.modules["model"](batch["mix"]) * batch["mix"]}

    def compute_objectives(self, predictions, batch):
        loss = nn.functional.mse_loss(predictions["predict"], batch["clean"])
        loss = Variable(loss, requires_grad=True)
        return loss

    def fit_batch(self, batch):
        loss = self.compute_objectives(self.compute_forward(batch), batch)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()


if __name__ == "__main__":
    torch.manual_seed(0)
    brain = SpeakerBrain({"model": Masker()})
    for step in range(4):
        clean = torch.rand(4, 7, 12)
        print(step, brain.fit_batch({"mix": clean + 0.3 * torch.rand_like(clean), "clean": clean}).item())
