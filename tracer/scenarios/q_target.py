"""Q-learning: the target network is computed without history, and copied over every second step.

The target of a Q-update comes from an older copy of the network, under ``no_grad``, so that the target stands still
while the network moves. Every few steps ``load_state_dict`` makes the copy current.

The lesson: targets are data. Anything that is data should be cut.

Source: https://docs.pytorch.org/tutorials/intermediate/reinforcement_q_learning.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 7
STEPS = 4
EXPECTED = {
    "policy.0.weight": "updated",
    "policy.0.bias": "updated",
    "policy.2.weight": "updated",
    "policy.2.bias": "updated",
    "target.0.weight": "frozen",
    "target.0.bias": "frozen",
    "target.2.weight": "frozen",
    "target.2.bias": "frozen",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    import copy

    nn = torch.nn
    torch.manual_seed(seed)
    policy = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).to(device)
    target = copy.deepcopy(policy)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-2)
    for step in range(steps):
        state, after = torch.randn(16, 4, device=device), torch.randn(16, 4, device=device)
        action, reward = torch.randint(2, (16, 1), device=device), torch.randn(16, device=device)
        value = policy(state).gather(1, action).squeeze(1)
        with torch.no_grad():
            best = target(after).max(1).values
        optimizer.zero_grad()
        loss = nn.functional.smooth_l1_loss(value, reward + 0.9 * best)
        loss.backward()
        optimizer.step()
        if step % 2 == 1:
            target.load_state_dict(policy.state_dict())
