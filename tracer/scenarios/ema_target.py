"""A teacher that is a moving average of its student: it moves without any gradient, and should.

The teacher's values follow the student's by ``lerp_`` under ``no_grad``. No optimizer holds it, its output is computed
without history, and still its values change at every step.

The lesson: a parameter may move for reasons other than an optimizer. Whether that is right depends on who moved it.

Source: https://docs.pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 6
STEPS = 3
EXPECTED = {
    "student.0.weight": "updated",
    "student.0.bias": "updated",
    "student.2.weight": "updated",
    "student.2.bias": "updated",
    "teacher.0.weight": "frozen",
    "teacher.0.bias": "frozen",
    "teacher.2.weight": "frozen",
    "teacher.2.bias": "frozen",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    import copy

    nn = torch.nn
    torch.manual_seed(seed)
    student = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)).to(device)
    teacher = copy.deepcopy(student).requires_grad_(False)
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    for _ in range(steps):
        x = torch.randn(16, 4, device=device)
        with torch.no_grad():
            goal = teacher(x)
        optimizer.zero_grad()
        loss = (student(x + 0.1 * torch.randn_like(x)) - goal).pow(2).mean()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for mean, value in zip(teacher.parameters(), student.parameters(), strict=True):
                mean.lerp_(value, 0.1)
