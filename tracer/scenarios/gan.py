"""A GAN: two networks, two optimizers, and gradients that are thrown away on purpose.

The discriminator's turn uses ``fake.detach()``: the generator must not help its opponent. The generator's turn runs
through the discriminator, so the discriminator gets gradients too; they are not wanted, and the discriminator's
``zero_grad`` clears them before its own next step.

Seen one at a time, both look like bugs: a cut, and gradients that no step uses. Seen over a whole step they are the
algorithm.

The lesson: what counts is which gradients are in ``.grad`` at *that optimizer's* step.

Source: https://docs.pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 5
STEPS = 3
EXPECTED = {
    "generator.0.weight": "updated",
    "generator.0.bias": "updated",
    "generator.2.weight": "updated",
    "generator.2.bias": "updated",
    "discriminator.0.weight": "updated",
    "discriminator.0.bias": "updated",
    "discriminator.2.weight": "updated",
    "discriminator.2.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    nn = torch.nn
    torch.manual_seed(seed)
    generator = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3)).to(device)
    discriminator = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=1e-2)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=1e-2)
    judge = nn.functional.binary_cross_entropy_with_logits
    ones, zeros = torch.ones(16, 1, device=device), torch.zeros(16, 1, device=device)
    for _ in range(steps):
        real, fake = torch.randn(16, 3, device=device), generator(torch.randn(16, 2, device=device))
        optimizer_d.zero_grad()
        loss_d = judge(discriminator(real), ones) + judge(discriminator(fake.detach()), zeros)
        loss_d.backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        loss_g = judge(discriminator(fake), ones)
        loss_g.backward()
        optimizer_g.step()
