"""Invariant learning over several environments: the variance of the gradients is penalised."""
import torch
import torch.nn.functional as F
from torch import autograd, nn


class IGA:
    def __init__(self, d, n_cls, hparams):
        self.network = nn.Sequential(nn.Linear(d, 16), nn.ReLU(), nn.Linear(16, n_cls))
        self.hparams = hparams
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=hparams["lr"])

    def update(self, minibatches):
        total_loss, grads = 0, []
        for x, y in minibatches:
            env_loss = F.cross_entropy(self.network(x), y)
            total_loss = total_loss + env_loss
            grads.append(autograd.grad(env_loss, self.network.parameters(), retain_graph=True))

        mean_loss = total_loss / len(minibatches)
        mean_grad = autograd.grad(mean_loss, self.network.parameters(), retain_graph=True)

        penalty = 0.0
        for grad in grads:
            for g, mean_g in zip(grad, mean_grad):
                penalty = penalty + (g - mean_g).pow(2).sum()

        objective = mean_loss + self.hparams["penalty"] * penalty
        self.optimizer.zero_grad()
        objective.backward()
        self.optimizer.step()
        return {"loss": mean_loss.item(), "penalty": penalty.item()}


def environments(n_env=3, n=16):
    for shift in range(n_env):
        x = torch.randn(n, 6) + 0.5 * shift
        yield x, (x[:, 0] > 0.5 * shift).long()


if __name__ == "__main__":
    torch.manual_seed(0)
    algorithm = IGA(6, 2, {"lr": 1e-2, "penalty": 100.0})
    for step in range(4):
        print(step, algorithm.update(list(environments())))
