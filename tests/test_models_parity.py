"""The field's networks are those of Won et al. 2020: same size, same shapes, same scores from the same weights."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from tagsearch.data.compute import LogMelBlocks
from tagsearch.data.frontend import LogMel
from tagsearch.models.published import ImportedModel, import_checkpoint
from tagsearch.registry import MODELS
from tests import reference_weights
from tests.reference_weights import GOLDEN

HOMEWORK = {"cnn1d": 17_300, "cnn2d": 299_892}  # held against the homework, with their shapes, by test_models.py
PARAMETERS = {
    "fcn": 447_732,
    "musicnn": 784_300,
    "crnn": 394_100,
    "sample_cnn": 1_869_874,
    "sample_cnn_se": 6_951_858,
    "short_chunk": 3_687_348,
    "short_chunk_res": 12_104_244,
    "self_attention": 10_521_652,
    "harmonic_cnn": 3_631_551,
}
# samples of a chunk, frames of it
CHUNKS = {
    "fcn": (464_000, 1813),
    "musicnn": (48_000, 188),
    "crnn": (464_000, 1813),
    "sample_cnn": (59_049, 59_049),
    "sample_cnn_se": (59_049, 59_049),
    "short_chunk": (59_049, 231),
    "short_chunk_res": (59_049, 231),
    "self_attention": (240_000, 938),
    "harmonic_cnn": (80_000, 80_000),
}
_SAMPLE_LEVEL = [
    *((128, n) for n in (19683, 6561, 2187)),
    *((256, n) for n in (729, 243, 81, 27, 9, 3)),
    *((512, n) for n in (1, 1)),
]
# what leaves each of the model's `blocks`
SHAPES: dict[str, list[tuple[int, ...]]] = {
    "fcn": [(64, 48, 453), (128, 24, 113), (128, 12, 28), (128, 4, 5), (64, 1, 1)],
    "crnn": [(64, 48, 906), (128, 16, 302), (128, 4, 75), (128, 1, 18)],
    "sample_cnn": _SAMPLE_LEVEL,
    "sample_cnn_se": _SAMPLE_LEVEL,
    "short_chunk": [(128, 64, 115), (128, 32, 57), (256, 16, 28), (256, 8, 14), (256, 4, 7), (256, 2, 3), (512, 1, 1)],
    "short_chunk_res": [
        (128, 64, 116),
        (128, 32, 58),
        (256, 16, 29),
        (256, 8, 15),
        (256, 4, 8),
        (256, 2, 4),
        (512, 1, 2),
    ],
    "self_attention": [
        (128, 64, 469),
        (128, 32, 235),
        (256, 16, 118),
        (256, 8, 118),
        (256, 4, 118),
        (256, 2, 118),
        (256, 1, 118),
    ],
    "harmonic_cnn": [(128, 64, 156), (128, 32, 78), (128, 16, 39), (128, 8, 19), (256, 4, 9), (256, 2, 3), (256, 1, 1)],
}


def on_meta(name: str, **knobs: Any) -> Any:
    defaults = {knob: spec.default for knob, spec in MODELS[name].knobs.items()}
    with torch.device("meta"):
        return MODELS[name].load()(n_tags=50, **(defaults | knobs))


def n_parameters(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def imported(name: str, folder: Path) -> ImportedModel:
    torch.save(reference_weights.state(name), folder / "weights.pth")
    return import_checkpoint(folder / "weights.pth", name)


def heard(name: str) -> torch.Tensor:
    """The golden audio as the model takes it."""
    front_end, audio = MODELS[name].load().front_end, reference_weights.audio(name)
    if not isinstance(front_end, LogMel):
        return torch.from_numpy(audio)[:, None]
    blocks = LogMelBlocks(front_end)
    return torch.stack([torch.from_numpy(blocks.unrounded(clip)) for clip in audio])


def readme_rows() -> dict[str, tuple[str, ...]]:
    """Model -> parameters, shapes, scores, as the README's table of parity has them."""
    section = (Path(__file__).parent.parent / "README.md").read_text().split("### Proven equal")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|(.*)\|(.*)\|$", section, re.MULTILINE)
    return {name: tuple(cell.strip() for cell in cells) for name, *cells in rows}


def test_the_readme_claims_as_much_parity_as_is_tested() -> None:
    shaped, scored = {*HOMEWORK, *SHAPES, "musicnn"}, {name for name, facts in GOLDEN.items() if facts["scores"]}
    assert readme_rows() == {
        name: (f"{n:,}", "equal" if name in shaped else "", "equal" if name in scored else "")
        for name, n in (HOMEWORK | PARAMETERS).items()
    }


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_network_has_as_many_parameters_as_its_reference(name: str) -> None:
    assert n_parameters(on_meta(name)) == PARAMETERS[name]


def test_musicnn_for_the_million_song_dataset_is_a_setting() -> None:
    assert n_parameters(on_meta("musicnn", back_end=512, hidden=500)) == 7_972_000


@pytest.mark.parametrize("name", CHUNKS)
def test_a_network_hears_chunks_as_long_as_its_reference(name: str) -> None:
    model = on_meta(name)
    assert (round(model.chunk_seconds * 16_000), model.front_end.frames(model.chunk_seconds)) == CHUNKS[name]


@pytest.mark.parametrize("name", SHAPES)
def test_the_blocks_of_a_network_have_the_shapes_of_its_reference(name: str) -> None:
    model, shapes = on_meta(name), []
    for block in model.blocks:
        block.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    model(torch.empty(2, model.front_end.n_rows, CHUNKS[name][1], device="meta"))
    assert shapes == SHAPES[name]


def test_the_parts_of_musicnn_have_the_shapes_of_its_reference() -> None:
    model, shapes = on_meta("musicnn"), []
    for layer in (*model.timbre, *model.rhythm, *model.back_end, model.head.hidden):
        layer.register_forward_hook(lambda _, inputs, output: shapes.append((inputs[0].shape[1], *output.shape[1:])))
    model(torch.empty(2, 96, 188, device="meta"))
    front = [(1, 204, 188)] * 2 + [(1, 51, 188)] * 3
    assert shapes == [*front, (561, 64, 188), (64, 64, 188), (64, 64, 188), (1506, 200)]


@pytest.mark.parametrize("name", [name for name, facts in GOLDEN.items() if facts["scores"]])
def test_a_network_scores_as_its_reference_does_with_the_same_weights(name: str, tmp_path: Path) -> None:
    model = imported(name, tmp_path).build()
    with torch.inference_mode():
        found = model(heard(name))[0].sigmoid()
    torch.testing.assert_close(found, reference_weights.scores(name), rtol=0, atol=1e-5)


def test_self_attention_is_a_bert_encoder_over_the_steps_after_a_constant_vector(tmp_path: Path) -> None:
    weights = reference_weights.state("self_attention")
    model = imported("self_attention", tmp_path).build()
    steps = torch.randn(3, 119, 256, generator=torch.Generator().manual_seed(0))
    expected = steps
    with torch.inference_mode():
        for i in (0, 1):
            expected = torch_encoder_layer(weights, f"encoder.layer.{i}.")(expected)
        torch.testing.assert_close(model.encoder(steps), expected, rtol=0, atol=1e-4)
        pooled = (expected[:, 0] @ weights["pooler.dense.weight"].T + weights["pooler.dense.bias"]).tanh()
        torch.testing.assert_close(model.pooler(expected[:, 0]).tanh(), pooled, rtol=0, atol=1e-5)


def torch_encoder_layer(weights: dict[str, torch.Tensor], prefix: str) -> torch.nn.Module:
    layer = torch.nn.TransformerEncoderLayer(
        256, 8, 1024, activation="gelu", layer_norm_eps=1e-12, batch_first=True, norm_first=False
    )
    ours = {
        **{f"self_attn.out_proj.{p}": weights[f"{prefix}attention.output.dense.{p}"] for p in ("weight", "bias")},
        **{f"linear1.{p}": weights[f"{prefix}intermediate.dense.{p}"] for p in ("weight", "bias")},
        **{f"linear2.{p}": weights[f"{prefix}output.dense.{p}"] for p in ("weight", "bias")},
        **{f"norm1.{p}": weights[f"{prefix}attention.output.LayerNorm.{p}"] for p in ("weight", "bias")},
        **{f"norm2.{p}": weights[f"{prefix}output.LayerNorm.{p}"] for p in ("weight", "bias")},
    }
    for part in ("weight", "bias"):
        parts = [weights[f"{prefix}attention.self.{which}.{part}"] for which in ("query", "key", "value")]
        ours[f"self_attn.in_proj_{part}"] = torch.cat(parts)
    layer.load_state_dict(ours)
    return layer.eval()
