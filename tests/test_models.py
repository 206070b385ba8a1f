"""The homework's networks, to the parameter, and what is particular to one of the field's."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from tagsearch.errors import UsageError
from tagsearch.models.cnn1d import CNN1D
from tagsearch.models.cnn2d import CNN2D
from tagsearch.models.fcn import FCN
from tagsearch.models.harmonic_cnn import HarmonicFilters
from tagsearch.models.sample_cnn import SampleCNN
from tagsearch.models.self_attention import SelfAttention, sinusoids
from tagsearch.models.short_chunk import ShortChunk


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


# --- batches of one --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "shape"), [(SampleCNN, (1, 1, 59_049)), (partial(ShortChunk, chunk_seconds=3.7), (1, 128, 231))]
)
def test_a_batch_norm_over_clips_refuses_to_train_on_one(model: Callable[..., Any], shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="at least 2 clips in a training batch, not 1; set batch_size to 2 or more"):
        model(n_tags=2, width=2, dropout=0.5)(torch.randn(shape))


def test_a_network_whose_batch_norms_see_many_frames_trains_on_one_clip() -> None:
    assert torch.isfinite(FCN(n_tags=2, width=2, dropout=0.5)(torch.randn(1, 96, 1813))[0]).all()


# --- dropout ---------------------------------------------------------------------------------------------------------


def test_the_embedding_is_what_the_head_hears_before_dropout() -> None:
    model = FCN(n_tags=2, width=8, dropout=0.9)
    embedding = model(torch.randn(4, 96, 1813))[1]
    assert (embedding > 0).float().mean() > 0.5  # the maximum of rectified values; nine of ten would be zero


# --- self-attention --------------------------------------------------------------------------------------------------


def self_attention(*, cls: str = "constant", position: str = "none") -> SelfAttention:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        dropouts = {"dropout": 0.5, "hidden_dropout": 0.4, "attention_dropout": 0.5}
        return SelfAttention(n_tags=2, chunk_seconds=15.0, width=4, cls=cls, position=position, **dropouts).eval()


def test_the_constant_vector_is_the_references_and_no_weight() -> None:
    model = self_attention()
    # the first numbers of NumPy's legacy generator at seed 0
    assert model.cls[:3].tolist() == pytest.approx([0.5488135039, 0.7151893664, 0.6027633761])
    assert "cls" not in model.state_dict()


def test_a_learned_vector_starts_as_the_constant_one() -> None:
    constant, learned = self_attention(), self_attention(cls="learned")
    assert n_parameters(learned) == n_parameters(constant) + 8
    batch = torch.randn(2, 128, 100)
    assert torch.equal(learned(batch)[0], constant(batch)[0])


def test_more_clips_than_the_references_64_fit_into_a_batch() -> None:
    assert self_attention()(torch.randn(65, 128, 20))[0].shape == (65, 2)


def test_positions_are_sines_and_cosines() -> None:
    table = sinusoids(3, 4)
    assert table[0].tolist() == [0, 1, 0, 1]
    assert table[2].tolist() == pytest.approx([math.sin(2), math.cos(2), math.sin(0.02), math.cos(0.02)])


def test_positions_tell_the_order_of_steps() -> None:
    def of_reversed_steps(position: str) -> tuple[torch.Tensor, torch.Tensor]:
        model = self_attention(position=position)
        embedding = model(batch)[1]
        model.blocks.register_forward_hook(lambda _, __, output: output.flip(3))
        return embedding, model(batch)[1]

    batch = 3 * torch.randn(2, 128, 100, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(*of_reversed_steps("none"))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(*of_reversed_steps("sinusoidal"))


# --- harmonic filters ------------------------------------------------------------------------------------------------


def test_harmonic_bands_lie_at_multiples_of_half_semitones_above_c1() -> None:
    centres = HarmonicFilters(sample_rate=16_000, n_harmonics=6).centres.reshape(6, 128)
    assert centres[0, [0, 2, 24]].tolist() == pytest.approx([32.703, 34.648, 65.406], abs=1e-3)  # C1, C sharp 1, C2
    assert centres[5, 127].item() == pytest.approx(7_686, abs=1)


@pytest.mark.parametrize("quality", [1.0, 2.0, -2.0])
def test_a_harmonic_band_is_a_triangle_of_the_hearings_bandwidth_over_q(quality: float) -> None:
    filters = HarmonicFilters(sample_rate=16_000, n_harmonics=1)
    torch.nn.init.constant_(filters.quality, quality)
    # by hand: band 90 lies at C1 + 45 semitones, 440 Hz; the next bin is 14 * 31.25 Hz, 2.5 Hz below
    width = (0.1079 * 440 + 24.7) / abs(quality)
    assert filters.bank()[14, 90].item() == pytest.approx(1 - 2 * 2.5 / width, abs=1e-4)
    assert filters.bank().min() == 0


def test_a_tone_sounds_in_the_band_at_its_pitch() -> None:
    filters = HarmonicFilters(sample_rate=16_000, n_harmonics=2)
    tone = torch.sin(2 * math.pi * 1000 * torch.arange(16_000) / 16_000)
    loudness = filters(tone[None]).mean(dim=3)[0]
    expected = 24 + 12 * math.log2(1000 / 32.703)  # in semitones above C1, shifted by its MIDI number
    assert abs(24 + loudness[0].argmax().item() / 2 - expected) <= 0.75
    assert abs(36 + loudness[1].argmax().item() / 2 - expected) <= 0.75


def test_silence_has_a_floor() -> None:
    filters = HarmonicFilters(sample_rate=16_000, n_harmonics=2)
    assert torch.equal(filters(torch.zeros(1, 1024)), torch.full((1, 2, 128, 5), -100.0))


def test_bands_are_computed_in_full_precision_under_autocast() -> None:
    filters = HarmonicFilters(sample_rate=16_000, n_harmonics=2)
    noise = torch.randn(1, 4096)
    expected = filters(noise)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(filters(noise), expected)
