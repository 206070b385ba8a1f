"""The homework's networks, to the parameter."""

import pytest
import torch

from tagsearch.models.cnn1d import CNN1D
from tagsearch.models.cnn2d import CNN2D


def n_parameters(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def shapes_after_blocks(model: CNN1D | CNN2D) -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = []
    for block in model.blocks:
        block.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    model(torch.randn(2, 96, 188))
    return shapes


def test_the_baseline_has_the_homeworks_parameters_and_shapes() -> None:
    model = CNN1D(n_tags=50, width=32)
    assert n_parameters(model) == 17_300
    assert shapes_after_blocks(model) == [(32, 64), (32, 22), (32, 8)]


def test_the_2d_network_has_the_homeworks_parameters_and_shapes() -> None:
    model = CNN2D(n_tags=50, width=64)
    assert n_parameters(model) == 299_892
    assert shapes_after_blocks(model) == [(64, 24, 47), (128, 8, 15), (128, 2, 5), (64, 1, 1)]


@pytest.mark.parametrize("width", [1, 8, 40])
def test_width_is_the_number_of_filters(width: int) -> None:
    # by hand: input norm 2, blocks (96 * 3 + 3) w and twice (3 w + 3) w, head (w + 1) * 50
    assert n_parameters(CNN1D(n_tags=50, width=width)) == 2 + 291 * width + 2 * (3 * width + 3) * width + 50 * (
        width + 1
    )
    assert CNN2D(n_tags=50, width=width)(torch.randn(2, 96, 188))[1].shape == (2, width)
