"""What augmentations do to chunks and labels."""

import numpy as np
import pytest
import torch

from tagsearch.augment.mixup import Mixup
from tagsearch.augment.none import NoAugmentation
from tagsearch.augment.spec_augment import SpecAugment

LABELS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def masked(n: int = 200, *, n_bands: int = 20, n_frames: int = 50, **knobs: float) -> np.ndarray:
    """bool (n, n_bands, n_frames): which places SpecAugment has changed; no value equals its chunk's mean."""
    off = {"freq_masks": 0, "freq_width": 0.0, "time_masks": 0, "time_width": 0.0}
    chunks = torch.randn(n, n_bands, n_frames)
    out, labels = SpecAugment(**off | knobs)(chunks, LABELS)
    assert labels is LABELS
    return (out != chunks).numpy()


def test_none_changes_nothing() -> None:
    chunks = torch.randn(3, 4, 5)
    assert NoAugmentation()(chunks, LABELS) == (chunks, LABELS)


def test_frequency_masks_hide_whole_bands_next_to_each_other_and_fewer_than_their_share() -> None:
    hidden = masked(freq_masks=1, freq_width=0.4)
    assert (hidden.all(axis=2) == hidden.any(axis=2)).all()
    bands = hidden.all(axis=2)
    assert set(bands.sum(axis=1)) == set(range(8))  # below 0.4 x 20
    assert (np.diff(bands.astype(int), axis=1) == 1).sum(axis=1).max() == 1


def test_time_masks_hide_whole_frames_next_to_each_other_and_fewer_than_their_share() -> None:
    hidden = masked(time_masks=1, time_width=0.2)
    assert (hidden.all(axis=1) == hidden.any(axis=1)).all()
    frames = hidden.all(axis=1)
    assert set(frames.sum(axis=1)) == set(range(10))  # below 0.2 x 50
    assert (np.diff(frames.astype(int), axis=1) == 1).sum(axis=1).max() == 1


def test_several_masks_may_lie_apart() -> None:
    frames = masked(time_masks=3, time_width=0.1).all(axis=1)
    assert (np.diff(frames.astype(int), axis=1) == 1).sum(axis=1).max() == 3


def test_each_chunk_has_its_own_masks() -> None:
    assert len({row.tobytes() for row in masked(freq_masks=1, freq_width=0.4)}) > 20


def test_hidden_places_get_the_mean_of_their_chunk() -> None:
    chunks = torch.randn(50, 20, 50) + torch.arange(50.0)[:, None, None]
    out, _ = SpecAugment(freq_masks=1, freq_width=0.4, time_masks=1, time_width=0.2)(chunks, LABELS)
    for before, after in zip(chunks, out, strict=True):
        changed = after[after != before]
        assert torch.allclose(changed, before.mean(), atol=1e-5)


@pytest.mark.parametrize("off", [{"freq_masks": 0, "time_masks": 0}, {"freq_width": 0.0, "time_width": 0.0}])
def test_without_masks_or_width_nothing_is_hidden(off: dict[str, float]) -> None:
    assert not masked(**{"freq_masks": 2, "freq_width": 0.3, "time_masks": 2, "time_width": 0.3} | off).any()


def mixing(*, per: str, alpha: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """How much of clip j is in clip i: (B, B) from the chunks, and from the labels. Each clip is one unit vector."""
    chunks, labels = Mixup(alpha=alpha, per=per)(torch.eye(6)[:, None, :], torch.eye(6))
    return chunks[:, 0].numpy(), labels.numpy()


@pytest.mark.parametrize("per", ["batch", "clip"])
def test_mixup_mixes_labels_as_it_mixes_chunks(per: str) -> None:
    chunks, labels = mixing(per=per)
    assert chunks == pytest.approx(labels)
    assert labels.sum(axis=1) == pytest.approx(np.ones(6))
    assert (labels > 0).sum(axis=1).max() == 2
    assert labels.sum(axis=0) == pytest.approx(np.ones(6)) or per == "clip"  # every clip is once a partner


def test_mixup_takes_one_share_for_the_batch_or_one_for_each_clip() -> None:
    shares = {per: np.diag(mixing(per=per)[1]) for per in ("batch", "clip")}
    assert len(set(shares["batch"][shares["batch"] < 1].round(6))) == 1
    assert len(set(shares["clip"][shares["clip"] < 1].round(6))) > 1


def test_the_shares_follow_the_beta_distribution() -> None:
    n = 4_000
    chunks = torch.cat([torch.zeros(n, 1, 1), torch.ones(n, 1, 1)])
    labels = torch.zeros(2 * n, 1)
    mixed, _ = Mixup(alpha=0.4, per="clip")(chunks, labels)
    inner = mixed[(mixed > 0) & (mixed < 1)].double()  # those whose partner is of the other kind: lambda or 1 - lambda
    assert inner.mean().item() == pytest.approx(0.5, abs=0.03)
    assert inner.var().item() == pytest.approx(1 / (4 * (2 * 0.4 + 1)), rel=0.05)  # of Beta(a, a)
