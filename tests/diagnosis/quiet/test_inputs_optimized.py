"""Programs that optimize an image, a latent code or a perturbation through a network that need not be frozen."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1))


def image_by_an_optimizer() -> object:
    model, image = net(), torch.rand(1, 3, requires_grad=True)
    optimizer = torch.optim.Adam([image], lr=0.05)
    for _ in range(4):
        optimizer.zero_grad()
        (-model(image).mean()).backward()
        optimizer.step()
    return model, image


def image_by_hand() -> object:
    model, image = net(), torch.rand(1, 3, requires_grad=True)
    for _ in range(4):
        model(image).norm().backward()
        grad = image.grad.data
        grad /= grad.abs().mean() + 1e-8
        image.data += 0.05 * grad
        image.data.clamp_(0, 1)
        image.grad.zero_()
    return model, image


def perturbation_for_each_batch() -> object:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        batch = torch.rand(8, 3)
        delta = torch.zeros_like(batch).uniform_(-0.1, 0.1).requires_grad_(True)
        for _ in range(3):
            (model(batch + delta) - 1).pow(2).mean().backward()
            delta.data = (delta + 0.03 * delta.grad.detach().sign()).clamp(-0.1, 0.1)
            delta.grad.zero_()
        optimizer.zero_grad()
        (model((batch + delta).detach()) - 1).pow(2).mean().backward()
        optimizer.step()
    return model


@pytest.mark.parametrize(
    ("program", "verdicts"),
    [
        (image_by_an_optimizer, {"updated", "frozen"}),
        (image_by_hand, {"updated", "frozen"}),
        (perturbation_for_each_batch, {"updated"}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_network_that_is_looked_through_raises_no_alarm(program, verdicts, quiet) -> None:  # type: ignore[no-untyped-def]
    assert quiet(program) == verdicts


def test_perturbation_made_anew_for_each_batch_has_one_row(record) -> None:  # type: ignore[no-untyped-def]
    assert [row.name for row in record(perturbation_for_each_batch) if row.model == ""] == ["delta"]


def test_bare_tensor_left_out_is_told_as_probable_but_not_when_a_network_is_called_with_it(record) -> None:  # type: ignore[no-untyped-def]
    def program(net: bool = False, called_with: bool = False) -> object:
        slope, offset = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
        layer = nn.Linear(8, 8)
        optimizer = torch.optim.SGD([slope, *(layer.parameters() if net else ())], lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            x = layer(torch.randn(8) + (offset if called_with else 0)) if net else torch.randn(8)
            (slope * x + offset - 1).pow(2).mean().backward()
            optimizer.step()
        return slope, offset

    told = {row.name: (row.verdict, row.confidence) for row in record(program)}
    assert told == {"slope": ("updated", "certain"), "offset": ("not_in_optimizer", "probable")}
    told = {row.name: (row.verdict, row.confidence) for row in record(lambda: program(net=True))}
    assert told["offset"] == ("not_in_optimizer", "probable")
    # points that require grad are called with, and are no parameters
    assert "offset" not in {row.name for row in record(lambda: program(net=True, called_with=True))}


def test_head_beside_an_owned_backbone_is_still_told(record) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        body, head, code = nn.Linear(3, 4), nn.Linear(4, 1), torch.zeros(1, 3, requires_grad=True)
        optimizer = torch.optim.SGD([*body.parameters(), code], lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            (head(torch.tanh(body(torch.randn(8, 3) + code))) - 1).pow(2).mean().backward()
            optimizer.step()
        return body, head

    verdicts = {f"{row.model}.{row.name}": row.verdict for row in record(program)}
    assert {name for name, verdict in verdicts.items() if verdict == "not_in_optimizer"} == {
        "head.weight",
        "head.bias",
    }
