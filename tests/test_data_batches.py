"""Where chunks lie, and that a batch holds what it should."""

import numpy as np
import pytest
import torch
from scipy.special import expit, logit

from tagsearch.data.batches import (
    Chunks,
    DeviceCopy,
    batch_edges,
    check_lengths,
    even_starts,
    random_starts,
)
from tagsearch.data.features import Features
from tagsearch.data.frontend import WAVEFORM, LogMel
from tagsearch.errors import CorpusError
from tagsearch.training.evaluate import clip_logits, clip_outputs, cross_entropy

N_MELS = 3


def numbered_features(lengths: list[int], step: int = 1000) -> Features:
    """Clip i's value at mel m, frame t is step * i + 100 m + t (exact in float16 up to 2048)."""
    blocks = [
        (step * i + 100 * np.arange(N_MELS)[:, None] + np.arange(n)).astype(np.float16) for i, n in enumerate(lengths)
    ]
    return Features(front_end=LogMel(n_mels=N_MELS), blocks=blocks, n_frames=np.array(lengths))


def chunks(lengths: list[int], n_frames: int) -> Chunks:
    return Chunks(numbered_features(lengths), n_frames=n_frames, device=torch.device("cpu"))


@pytest.mark.parametrize(
    ("length", "n_frames", "starts"),
    [
        (188, 188, [0]),
        (376, 188, [0, 188]),
        (377, 188, [0, 94, 189]),
        (501, 188, [0, 156, 313]),  # 8 s: a third chunk, up to the last frame; not the first two seconds twice
        (10, 4, [0, 3, 6]),
        (189, 188, [0, 1]),
        (187, 188, [0]),  # a clip that will be repeated
        (5, 188, [0]),
    ],
)
def test_evaluation_chunks_cover_the_clip_evenly(length: int, n_frames: int, starts: list[int]) -> None:
    assert even_starts(length, n_frames).tolist() == starts


@pytest.mark.parametrize("length", range(188, 1000, 37))
def test_no_frame_of_a_clip_is_left_out_of_its_evaluation(length: int) -> None:
    heard = np.zeros(length, dtype=bool)
    for start in even_starts(length, 188):
        heard[start : start + 188] = True
    assert heard.all()


def test_a_batch_holds_the_frames_asked_for_as_float32() -> None:
    batch = chunks([5, 8, 6], n_frames=4).gather(np.array([2, 0]), np.array([2, 1]))
    assert batch.dtype == torch.float32
    expected = [[[2002 + 100 * m + t for t in range(4)] for m in range(N_MELS)]]
    expected.append([[1 + 100 * m + t for t in range(4)] for m in range(N_MELS)])
    assert batch.tolist() == np.array(expected, dtype=np.float16).astype(float).tolist()


def test_a_batch_stays_as_it_is_when_the_next_one_is_gathered() -> None:
    gather = chunks([8, 8], n_frames=4).gather
    first = gather(np.array([0]), np.array([0]))
    gather(np.array([1, 1]), np.array([3, 0]))
    assert first[0, 0].tolist() == [0, 1, 2, 3]


def test_the_gather_of_an_accelerator_gives_the_same_batch() -> None:
    on_cpu = chunks([5, 8, 6], n_frames=4)
    clips, starts = np.array([2, 0, 1]), np.array([2, 1, 4])
    copy = DeviceCopy(on_cpu.features, torch.device("cpu"))
    assert torch.equal(copy.gather(clips, starts, 4).float(), on_cpu.gather(clips, starts))


@pytest.mark.parametrize("on_device", [False, True])
def test_a_clip_shorter_than_a_chunk_is_repeated_from_its_start(on_device: bool) -> None:
    reader = chunks([5, 1, 30, 12], n_frames=12)
    if on_device:
        reader._copy = DeviceCopy(reader.features, torch.device("cpu"))
    clips, starts = np.array([0, 2, 1, 3]), np.array([0, 11, 0, 0])
    batch = reader.gather(clips, starts).numpy()
    for heard, clip, start in zip(batch, clips, starts, strict=True):
        block = reader.features.block(clip)
        expected = np.take(block, np.arange(start, start + 12) % block.shape[1], axis=1)
        assert np.array_equal(heard, expected.astype(np.float32))


@pytest.mark.parametrize("on_device", [False, True])
def test_samples_are_repeated_too(on_device: bool) -> None:
    blocks = [np.array([[16384, -32768, 0]], np.int16)]
    features = Features(front_end=WAVEFORM, blocks=blocks, n_frames=np.array([3]))
    reader = Chunks(features, n_frames=7, device=torch.device("cpu"))
    if on_device:
        reader._copy = DeviceCopy(features, torch.device("cpu"))
    assert reader.gather(np.array([0]), np.array([0])).tolist() == [[[0.5, -1.0, 0.0, 0.5, -1.0, 0.0, 0.5]]]


NEEDED = 2 * 2 * 3 * 19  # bytes of a share of which half holds the features below


@pytest.mark.parametrize(
    ("free", "total", "copied"),
    [
        (80e9, 80e9, True),
        (4 * NEEDED, 4 * NEEDED, True),  # a quarter of it is enough
        (4 * NEEDED, 4 * NEEDED - 4, False),
        (NEEDED, 4 * NEEDED, True),  # the other three have taken theirs
        (NEEDED - 1, 80e9, False),  # somebody else fills the card
    ],
)
def test_a_gpu_gets_a_copy_if_half_of_the_trials_share_of_it_holds_the_features(
    monkeypatch: pytest.MonkeyPatch, free: float, total: float, copied: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, total))
    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *size, device, **named: empty(*size, **named))  # there is no GPU
    features = numbered_features([5, 8, 6])
    reader = Chunks(features, n_frames=4, device=torch.device("cuda"), gpu_share=0.25)
    assert (reader._copy is not None) == copied
    if copied:
        batch = reader.gather(np.array([2, 0]), np.array([2, 1]))
        assert torch.equal(batch, chunks([5, 8, 6], n_frames=4).gather(np.array([2, 0]), np.array([2, 1])))


@pytest.mark.parametrize("on_device", [False, True])
def test_a_batch_of_waveforms_is_full_scale_one(on_device: bool) -> None:
    blocks = [np.array([[0, 16384, -32768, 32767]], np.int16), np.array([[1, 2, 3]], np.int16)]
    features = Features(front_end=WAVEFORM, blocks=blocks, n_frames=np.array([4, 3]))
    reader = Chunks(features, n_frames=2, device=torch.device("cpu"))
    if on_device:
        reader._copy = DeviceCopy(features, torch.device("cpu"))
    batch = reader.gather(np.array([0, 1]), np.array([1, 1]))
    assert batch.dtype == torch.float32
    assert batch.tolist() == [[[0.5, -1.0]], [[2 / 32768, 3 / 32768]]]


def test_random_crops_reach_every_place_equally_often_and_never_beyond() -> None:
    starts = random_starts(np.full(40_000, 10), 7, np.random.default_rng(0))
    assert np.bincount(starts) / 40_000 == pytest.approx(np.full(4, 0.25), abs=0.01)


def test_a_crop_of_a_clip_of_just_its_length_is_the_whole_clip() -> None:
    assert random_starts(np.array([7, 7, 7]), 7, np.random.default_rng(0)).tolist() == [0, 0, 0]


def test_a_crop_of_a_shorter_clip_begins_with_it_and_moves_no_other_crop() -> None:
    starts = random_starts(np.array([3, 90, 6, 90]), 7, np.random.default_rng(0))
    assert starts[[0, 2]].tolist() == [0, 0]
    others = random_starts(np.array([90, 90, 90, 90]), 7, np.random.default_rng(0))
    assert starts[[1, 3]].tolist() == others[[1, 3]].tolist()


@pytest.mark.parametrize(
    ("n", "batch_size", "edges"),
    [
        (6, 3, [(0, 3), (3, 6)]),
        (8, 3, [(0, 3), (3, 6), (6, 8)]),
        (7, 3, [(0, 3), (3, 7)]),  # a batch of one would have no variance
        (1, 3, [(0, 1)]),
        (3, 1, [(0, 1), (1, 2), (2, 3)]),
        (2, 5, [(0, 2)]),
    ],
)
def test_batches_drop_nothing_and_leave_no_single_clip_over(
    n: int, batch_size: int, edges: list[tuple[int, int]]
) -> None:
    assert batch_edges(n, batch_size) == edges


def test_clips_shorter_than_a_chunk_are_refused() -> None:
    features = numbered_features([5, 3, 9, 2])
    check_lengths(features, np.array([0, 2]), 4)
    with pytest.raises(CorpusError, match=r"2 are shorter, the first in row 1 with 3 frames; .*data.pad: repeat$"):
        check_lengths(features, np.arange(4), 4)


class Echo(torch.nn.Module):
    """A chunk's logit for tag m is the mean of its mel band m, divided by `scale`."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = batch.mean(dim=2) / self.scale
        return logits, logits


def test_a_clips_score_is_the_logit_of_its_chunks_mean_probability() -> None:
    reader = chunks([8, 10, 4], n_frames=4)
    found = clip_logits(Echo(100.0), reader, np.array([1, 2]))
    for row, clip in zip(found, (1, 2), strict=True):
        block = reader.features.block(clip).astype(float)
        starts = {1: [0, 3, 6], 2: [0]}[clip]
        probabilities = [expit(block[:, s : s + 4].mean(axis=1) / 100) for s in starts]
        assert row == pytest.approx(logit(np.mean(probabilities, axis=0)), rel=1e-3)


def test_a_repeated_clips_score_is_that_of_its_only_chunk() -> None:
    reader = chunks([5, 9], n_frames=8)
    frames = [0, 1, 2, 3, 4, 0, 1, 2]
    expected = [np.mean([100 * m + t for t in frames]) / 100 for m in range(N_MELS)]
    assert clip_logits(Echo(100.0), reader, np.array([1, 0]))[1] == pytest.approx(expected, rel=1e-5)


def test_confident_scores_do_not_saturate() -> None:
    found = clip_logits(Echo(1.0), chunks([4, 4], n_frames=4), np.array([0, 1]))
    assert found[:, 0] == pytest.approx([1.5, 1001.5])
    assert np.isfinite(found).all()
    assert len(set(found[1].tolist())) == N_MELS


def test_many_clips_in_several_batches_keep_their_order() -> None:
    lengths = [4 + i % 9 for i in range(90)]
    reader = Chunks(numbered_features(lengths, step=1), n_frames=4, device=torch.device("cpu"))
    for clip, block in enumerate(reader.features.blocks):
        block[:] = clip
    assert clip_logits(Echo(10.0), reader, np.arange(90))[:, 0] == pytest.approx(np.arange(90) / 10)


def test_validation_loss_is_the_cross_entropy_of_the_scores() -> None:
    logits = np.array([[0.3, -2.0], [800.0, -1.0]], dtype=np.float32)
    labels = np.array([[1, 0], [1, 1]], dtype=np.uint8)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.from_numpy(logits), torch.from_numpy(labels).float()
    )
    assert cross_entropy(logits, labels) == pytest.approx(expected.item())


def test_a_clips_embedding_is_the_mean_of_its_chunks() -> None:
    reader = chunks([8, 10, 4], n_frames=4)
    found = clip_outputs(Echo(100.0), reader, np.array([1, 2]))
    block = reader.features.block(1).astype(float)
    expected = np.mean([block[:, s : s + 4].mean(axis=1) / 100 for s in (0, 3, 6)], axis=0)
    assert found.embeddings[0] == pytest.approx(expected, rel=1e-5)
    assert found.embeddings[1] == pytest.approx(reader.features.block(2).astype(float).mean(axis=1) / 100, rel=1e-5)
