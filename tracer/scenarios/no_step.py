"""Two optimizers, and only one of them ever steps.

The decoder has its own optimizer with its own learning rate. The loop clears both and steps one. The decoder's
gradients are computed, cleared and computed again.

The lesson: with several optimizers, keep them in a list and loop over it.

Source: https://docs.pytorch.org/docs/stable/optim.html#taking-an-optimization-step
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Does a step use it?"
PLACE = 1
STEPS = 3
EXPECTED = {
    "encoder.weight": "updated",
    "encoder.bias": "updated",
    "decoder.weight": "no_step",
    "decoder.bias": "no_step",
}
FINDINGS = {"TR401"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Autoencoder(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Linear(6, 2)
            self.decoder = torch.nn.Linear(2, 6)

        def forward(self, x: Any) -> Any:
            return self.decoder(torch.tanh(self.encoder(x)))

    torch.manual_seed(seed)
    net = Autoencoder().to(device)
    encoder_optimizer = torch.optim.SGD(net.encoder.parameters(), lr=0.1)
    decoder_optimizer = torch.optim.SGD(net.decoder.parameters(), lr=0.01)
    x = torch.randn(16, 6, device=device)
    for _ in range(steps):
        encoder_optimizer.zero_grad()
        decoder_optimizer.zero_grad()
        loss = (net(x) - x).pow(2).mean()
        loss.backward()
        encoder_optimizer.step()
