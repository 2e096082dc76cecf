"""``tracer.make_dot``: torchviz's call on a loss that exists already."""

from __future__ import annotations

import gc
import shutil
import weakref

import pytest
import torch

import tracer


@pytest.fixture
def net() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))


def test_every_parameter_and_operation_is_in_the_picture_by_name(net: torch.nn.Module) -> None:
    source = tracer.make_dot(net(torch.ones(2, 3)).sum(), dict(net.named_parameters())).source
    for name in ("0.weight", "0.bias", "2.weight", "2.bias", "Tanh", "Sum"):
        assert name in source


def test_the_same_loss_gives_the_same_text(net: torch.nn.Module) -> None:
    loss = net(torch.ones(2, 3)).sum()
    params = dict(net.named_parameters())
    assert tracer.make_dot(loss, params).source == tracer.make_dot(loss, params).source


def test_a_parameter_that_the_loss_does_not_reach_is_drawn_and_marked(net: torch.nn.Module) -> None:
    other = torch.nn.Linear(2, 2)
    params = {**dict(net.named_parameters()), "other.weight": other.weight}
    source = tracer.make_dot(net(torch.ones(2, 3)).sum(), params).source
    line = next(line for line in source.splitlines() if "other.weight" in line)
    assert "no path from here" in line


def test_what_stands_in_grad_is_told(net: torch.nn.Module) -> None:
    net[2].bias.grad = torch.tensor([3.0])
    source = tracer.make_dot(net(torch.ones(2, 3)).sum(), dict(net.named_parameters())).source
    assert ".grad norm 3" in source


def test_a_frozen_parameter_is_drawn_as_frozen(net: torch.nn.Module) -> None:
    net[0].weight.requires_grad_(False)
    source = tracer.make_dot(net(torch.ones(2, 3)).sum(), dict(net.named_parameters())).source
    line = next(line for line in source.splitlines() if "0.weight" in line)
    assert "leaf-frozen" in line


def test_attributes_and_saved_shapes_are_told_where_asked_for(net: torch.nn.Module) -> None:
    loss = net(torch.ones(2, 3)).mean(dim=0).sum()
    assert "keepdim" not in tracer.make_dot(loss).source
    assert "keepdim = False" in tracer.make_dot(loss, show_attrs=True).source
    assert "saved result: 2 × 4" in tracer.make_dot(loss, show_saved=True).source


def test_a_graph_that_backward_has_freed_still_draws_with_attributes_asked_for(net: torch.nn.Module) -> None:
    loss = net(torch.ones(2, 3)).sum()
    loss.backward()
    assert "Tanh" in tracer.make_dot(loss, show_attrs=True, show_saved=True).source


def test_a_chain_of_5000_operations_draws() -> None:
    x = torch.ones(1, requires_grad=True)
    y = x
    for _ in range(5000):
        y = y * 1.5
    assert "Mul" in tracer.make_dot(y).source


def test_a_tensor_without_a_graph_gives_a_picture_that_says_so() -> None:
    assert "digraph" in tracer.make_dot(torch.zeros(2)).source


def test_tied_weights_are_one_box() -> None:
    layer = torch.nn.Linear(2, 2)
    source = tracer.make_dot(layer(torch.ones(1, 2)).sum(), {"a.weight": layer.weight, "b.weight": layer.weight}).source
    assert source.count('"leaf-0" [') == 1
    assert "also b.weight" in source


def test_it_changes_nothing_and_keeps_nothing(net: torch.nn.Module) -> None:
    loss = net(torch.ones(2, 3)).sum()
    version, state = [p._version for p in net.parameters()], torch.get_rng_state()
    picture = tracer.make_dot(loss, dict(net.named_parameters()), show_attrs=True, show_saved=True)
    assert [p._version for p in net.parameters()] == version
    assert torch.equal(torch.get_rng_state(), state)
    ref = weakref.ref(loss)
    del loss
    gc.collect()
    assert ref() is None
    assert picture.source


def test_it_renders_without_a_system_graphviz(net: torch.nn.Module, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    picture = tracer.make_dot(net(torch.ones(2, 3)).sum(), dict(net.named_parameters()))
    written = picture.render(str(tmp_path / "loss"), format="svg", cleanup=True)
    assert written == str(tmp_path / "loss.svg")
    assert "<svg" in (tmp_path / "loss.svg").read_text()
    assert not (tmp_path / "loss").exists()
    assert "image/svg+xml" in picture._repr_mimebundle_()


def test_something_else_than_a_tensor_is_one_sentence() -> None:
    with pytest.raises(tracer.UsageError, match=r"asked for a float\. Give a tensor"):
        tracer.make_dot(1.5)
    with pytest.raises(tracer.UsageError, match=r"params is a list\. Give a dict"):
        tracer.make_dot(torch.zeros(1), [1])
