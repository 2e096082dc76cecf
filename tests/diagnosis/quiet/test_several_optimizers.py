"""One parameter in two optimizers: by turns on gradients of their own, or twice on the same gradient."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn


def adversarial_autoencoder() -> object:
    encoder, decoder, critic = (
        nn.Linear(6, 4),
        nn.Linear(4, 6),
        nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)),
    )
    first, second, third, fourth = (torch.optim.Adam(m.parameters()) for m in (encoder, decoder, critic, encoder))
    for _ in range(4):
        x = torch.randn(16, 6)
        first.zero_grad()
        second.zero_grad()
        (decoder(encoder(x)) - x).pow(2).mean().backward()
        first.step()
        second.step()
        third.zero_grad()
        nn.functional.softplus(critic(encoder(x).detach()) - critic(torch.randn(16, 4))).mean().backward()
        third.step()
        fourth.zero_grad()
        nn.functional.softplus(-critic(encoder(x))).mean().backward()
        fourth.step()
    return encoder, decoder, critic


def test_optimizers_that_step_by_turns_after_backwards_of_their_own_raise_no_alarm(quiet) -> None:  # type: ignore[no-untyped-def]
    assert quiet(adversarial_autoencoder) == {"updated"}


def test_second_optimizer_on_the_same_gradient_is_told(record) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        shared, a, b = nn.Linear(3, 4), nn.Linear(4, 1), nn.Linear(4, 1)
        both = [torch.optim.Adam([*shared.parameters(), *head.parameters()]) for head in (a, b)]
        for _ in range(3):
            hidden = torch.tanh(shared(torch.randn(8, 3)))
            for optimizer in both:
                optimizer.zero_grad()
            (a(hidden).pow(2).mean() + b(hidden).pow(2).mean()).backward()
            for optimizer in both:
                optimizer.step()
        return shared, a, b, both

    rows = {f"{row.model}.{row.name}": row.verdict for row in record(program)}
    assert rows["shared.weight"] == rows["shared.bias"] == "duplicate_in_optimizer"
    assert rows["a.weight"] == rows["b.weight"] == "updated"


class Codebook(nn.Module):
    """A vector quantizer whose codebook follows the encoder by an average, as a new parameter each time."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = nn.Embedding(8, 4)
        self.register_buffer("size", torch.ones(8))

    def forward(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        picked = nn.functional.one_hot(torch.cdist(z, self.codes.weight).argmin(1), 8).float()
        quantized = picked @ self.codes.weight
        self.codes.weight = nn.Parameter(0.9 * self.codes.weight + 0.1 * picked.t() @ z)
        return z + (quantized - z).detach(), (quantized.detach() - z).pow(2).mean()


def test_codebook_that_is_made_anew_as_an_average_is_no_stale_parameter(record) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        model = nn.ModuleDict({"encoder": nn.Linear(6, 4), "book": Codebook(), "decoder": nn.Linear(4, 6)})
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(4):
            x = torch.randn(16, 6)
            optimizer.zero_grad()
            z, commitment = model["book"](model["encoder"](x))
            ((model["decoder"](z) - x).pow(2).mean() + commitment).backward()
            optimizer.step()
        return model

    report = record(program)
    assert {row.name: row.verdict for row in report}["book.codes.weight"] == "frozen"
    assert [f.code for f in report.findings if f.severity in ("error", "warning")] == []


class Lending(torch.optim.Optimizer):
    """Lets another optimizer do the work within its own step, as ZeroRedundancyOptimizer does."""

    def __init__(self, params: object) -> None:
        super().__init__(params, {})
        self.inner = torch.optim.AdamW(self.param_groups, lr=0.01)

    def step(self) -> None:
        self.inner.step()


@pytest.mark.parametrize("again", [False, True], ids=["alone", "beside another"])
def test_an_optimizer_that_steps_within_another_is_no_duplicate_but_one_after_both_is(  # type: ignore[no-untyped-def]
    record, again: bool
) -> None:
    def program() -> object:
        net = nn.Linear(3, 1)
        lending, other = Lending(net.parameters()), torch.optim.SGD(net.parameters(), lr=0.01)
        for _ in range(3):
            lending.zero_grad()
            net(torch.randn(8, 3)).pow(2).mean().backward()
            lending.step()
            if again:
                other.step()
        return net, lending, other

    expected = "duplicate_in_optimizer" if again else "updated"
    assert {row.verdict for row in record(program)} == {expected}
