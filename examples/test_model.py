"""Tests for a model of your own: what should train does, what is frozen stays, and a failure says why.

    pytest examples/test_model.py
"""

import pytest
import torch
from torch import nn

import tracer


@pytest.fixture
def model():
    torch.manual_seed(0)
    net = nn.Sequential()
    net.add_module("backbone", nn.Linear(4, 8))
    net.add_module("bend", nn.ReLU())
    net.add_module("head", nn.Linear(8, 1))
    net.backbone.requires_grad_(False)
    return net


@pytest.fixture
def step(model):
    optimizer = torch.optim.SGD(model.head.parameters(), lr=0.1)

    def run():
        optimizer.zero_grad()
        model(torch.randn(16, 4)).pow(2).mean().backward()
        optimizer.step()

    return run


def test_every_parameter_is_as_it_is_meant_to_be(model, step):
    with tracer.record(model) as recording:
        step()
    verdicts = {row.name: row.verdict for row in recording.report()}
    assert verdicts == {
        "backbone.weight": "frozen",
        "backbone.bias": "frozen",
        "head.weight": "updated",
        "head.bias": "updated",
    }


def test_the_head_learns_and_the_backbone_stays(model, step):
    tracer.assert_learns(model, step, steps=2)
    tracer.assert_frozen(model, step, "backbone.*")


def test_a_broken_model_fails_with_the_line_of_the_cause(model):
    optimizer = torch.optim.SGD(model.head.parameters(), lr=0.1)

    def broken():
        hidden = model.head(model.bend(model.backbone(torch.randn(16, 4))))
        loss = hidden.detach().pow(2).mean() + model.head.bias.pow(2).sum()
        loss.backward()
        optimizer.step()

    with pytest.raises(AssertionError, match="test_model.py"):
        tracer.assert_learns(model, broken, ignore="head.bias")
