"""Token policy trained with discounted rewards, plus a value baseline."""
import torch
from torch import nn


class SmilesAgent(nn.Module):
    def __init__(self, vocab=9, hidden=14):
        super().__init__()
        self.emb = nn.Embedding(vocab, hidden)
        self.gru = nn.GRUCell(hidden, hidden)
        self.policy = nn.Linear(hidden, vocab)
        self.value = nn.Linear(hidden, 1)

    def step(self, token, h):
        h = self.gru(self.emb(token), h)
        return self.policy(h).log_softmax(dim=-1), self.value(h).squeeze(-1), h


class Reinforcement:
    def __init__(self, agent, gamma=0.97):
        self.agent, self.gamma = agent, gamma
        self.optimizer = torch.optim.Adam(agent.parameters(), lr=5e-3)

    def reward(self, tokens):
        return sum(t == 3 for t in tokens) - 0.5 * sum(t == 0 for t in tokens)

    def episode(self, length=6):
        token, h = torch.zeros(1, dtype=torch.long), torch.zeros(1, 14)
        trace = []
        for _ in range(length):
            logp, value, h = self.agent.step(token, h)
            token = torch.multinomial(logp.exp(), 1).squeeze(1)
            trace.append((logp, value, token.item()))
        return trace

    def update(self, n_batch=3):
        rl_loss, baseline_loss = 0.0, 0.0
        for _ in range(n_batch):
            trace = self.episode()
            gain = float(self.reward([t for _, _, t in trace]))
            for logp, value, picked in reversed(trace):
                rl_loss = rl_loss - logp[0, picked].item() * (gain - value.item())
                baseline_loss = baseline_loss + (value - gain).pow(2).mean()
                gain = gain * self.gamma
        loss = rl_loss / n_batch + baseline_loss / n_batch
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    learner = Reinforcement(SmilesAgent())
    for it in range(3):
        print(it, learner.update())
