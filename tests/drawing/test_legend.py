"""The legend lists what the picture uses and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.drawing.legend import legend
from tracer.drawing.scale import Scale
from tracer.drawing.states import gather
from tracer.drawing.style import LINES, LOOKS
from tracer.graphs.fold import fold_view
from tracer.graphs.items import View
from tracer.traces import Trace

Blocks = Callable[..., Trace]


def told(trace: Trace) -> str:
    view = fold_view(*gather(trace, diagnose(trace)))
    return legend(view, Scale.of(view))


def test_it_says_which_way_arrows_run(blocks: Blocks) -> None:
    assert "Arrows run as values do, from leaves to the loss; gradients come back against them." in told(blocks(2))


def test_a_healthy_picture_explains_no_trouble(blocks: Blocks) -> None:
    text = told(blocks(2))
    assert LOOKS["leaf-ok"].word in text
    for name in ("leaf-error", "leaf-warning", "leaf-frozen", "cut", "culprit", "module", "card"):
        assert f"{LOOKS[name].word}</FONT>" not in text
    for name in ("cut", "idle", "nan", "zero"):
        assert LINES[name].word not in text


def test_what_went_wrong_is_explained_once_it_is_there(blocks: Blocks) -> None:
    text = told(blocks(3, cut=1, frozen=0))
    assert "leaf that does not train: no gradient came" in text
    assert LOOKS["cut"].word in text
    assert LOOKS["leaf-frozen"].word in text
    assert LINES["cut"].word in text
    assert LINES["idle"].word in text


def test_the_scale_of_norms_is_told_in_numbers(blocks: Blocks) -> None:
    assert "gradient norm 1 to 8" in told(blocks(2))


def test_folding_is_told(blocks: Blocks) -> None:
    assert "12 equal Block are drawn once" in told(blocks(12))


def test_an_empty_view_still_has_a_legend() -> None:
    assert "How to read this" in legend(View(), Scale(0.0, 0.0))


@pytest.mark.parametrize(("norm", "level"), [(0.001, 0), (0.03, 2), (1.0, 4)])
def test_norms_are_shown_on_a_logarithmic_scale(norm: float, level: int) -> None:
    scale = Scale(-3.0, 0.0)
    assert scale.level(norm) == level
    assert 1.0 <= scale.width(norm) <= 3.6
