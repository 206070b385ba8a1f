"""Published weights into ours: sizes are read from shapes, and whatever does not fit is named."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from tagsearch.errors import UnknownNameError, UsageError
from tagsearch.models.published import ImportedModel, import_checkpoint
from tagsearch.registry import MODELS, Scalar
from tests import reference_weights

State = Mapping[str, torch.Tensor]


def imported(name: str, content: object, folder: Path) -> ImportedModel:
    torch.save(content, folder / "weights.pth")
    return import_checkpoint(folder / "weights.pth", name)


def without(content: State, *names: str) -> State:
    return {name: value for name, value in content.items() if name not in names}


def test_the_reference_has_its_default_sizes(tmp_path: Path) -> None:
    found = imported("fcn", reference_weights.state("fcn"), tmp_path)
    assert (found.n_tags, found.knobs) == (50, {"width": 64, "dropout": 0.5})


def test_sizes_are_read_from_the_shapes(tmp_path: Path) -> None:
    channels = ("layer1", "layer2", "layer3")
    other = {
        **{f"{layer}.bn.{part}": [8] for layer in channels for part in reference_weights.NORM_PARTS},
        **{f"{layer}.conv.bias": [8] for layer in channels},
        **dict(zip((f"{layer}.conv.weight" for layer in channels), ([8, 561, 7], [8, 8, 7], [8, 8, 7]), strict=True)),
        "dense1.weight": [5, 2 * (561 + 24)],
        "dense1.bias": [5],
        "dense2.weight": [3, 5],
        "dense2.bias": [3],
        **{f"bn.{part}": [5] for part in reference_weights.NORM_PARTS},
    }
    found = imported("musicnn", reference_weights.state("musicnn", **other), tmp_path)
    expected = {"chunk_seconds": 3.0, "width": 51, "back_end": 8, "hidden": 5, "dropout": 0.5}
    assert (found.n_tags, found.knobs) == (3, expected)
    assert found.build()(torch.randn(2, 96, 188))[0].shape == (2, 3)


# knobs whose values a checkpoint's shapes show
NARROW = {
    "fcn": {"width": 2},
    "musicnn": {"width": 2, "back_end": 3, "hidden": 4},
    "crnn": {"width": 2, "hidden": 3},
    "sample_cnn": {"width": 2},
    "sample_cnn_se": {"width": 2},
    "short_chunk": {"width": 2},
    "short_chunk_res": {"width": 2},
    "self_attention": {"width": 4},
    "harmonic_cnn": {"width": 2, "n_harmonics": 3},
}


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if hasattr(entry.load(), "published")])
def test_a_narrow_network_comes_back_by_the_references_names(name: str, tmp_path: Path) -> None:
    model = build(name, NARROW[name])
    published = model.published
    weights = {published.reference_name(own): value for own, value in model.state_dict().items()}
    found = imported(name, {**reference_weights.constants(name), **weights}, tmp_path)
    assert found.n_tags == 3
    assert {knob: found.knobs[knob] for knob in NARROW[name]} == NARROW[name]
    again = found.build()
    assert all(torch.equal(value, again.state_dict()[own]) for own, value in model.state_dict().items())


def build(name: str, knobs: Mapping[str, Scalar]) -> torch.nn.Module:
    defaults = {knob: spec.default for knob, spec in MODELS[name].knobs.items()}
    return MODELS[name].load()(n_tags=3, **{**defaults, **knobs})


def test_a_weight_keeps_its_values(tmp_path: Path) -> None:
    weights = reference_weights.state("crnn")
    found = imported("crnn", weights, tmp_path).state_dict
    assert torch.equal(found["recurrent.weight_hh_l1"], weights["layer5.weight_hh_l1"])


def test_a_constant_of_the_front_end_may_differ_as_much_as_between_releases(tmp_path: Path) -> None:
    weights = reference_weights.state("fcn")
    imported("fcn", {**weights, "spec.mel_scale.fb": weights["spec.mel_scale.fb"] + 1.3e-5}, tmp_path)


def test_another_front_end_is_refused(tmp_path: Path) -> None:
    weights = reference_weights.state("fcn")
    with pytest.raises(UsageError, match=r"spec.spectrogram.window differs by 0.01 from this front end's, more than"):
        imported("fcn", {**weights, "spec.spectrogram.window": weights["spec.spectrogram.window"] + 0.01}, tmp_path)
    with pytest.raises(UsageError, match=r"spec.mel_scale.fb has shape 257x128, and this front end's has 257x96"):
        imported("fcn", {**weights, "spec.mel_scale.fb": torch.zeros(257, 128)}, tmp_path)
    with pytest.raises(UsageError, match="window differs by nan"):
        imported("fcn", {**weights, "spec.spectrogram.window": torch.full((512,), torch.nan)}, tmp_path)


def test_a_missing_name_is_refused(tmp_path: Path) -> None:
    weights = reference_weights.state("fcn")
    with pytest.raises(UsageError, match=r"weights.pth is no checkpoint of fcn: layer3.bn.bias is missing; check"):
        imported("fcn", without(weights, "layer3.bn.bias"), tmp_path)
    with pytest.raises(UsageError, match=r"dense.bias and 1 more are missing"):
        imported("fcn", without(weights, "layer3.bn.bias", "dense.bias"), tmp_path)
    with pytest.raises(UsageError, match=r"layer1.conv.weight is missing"):
        imported("fcn", without(weights, "layer1.conv.weight"), tmp_path)
    with pytest.raises(UsageError, match=r"spec.mel_scale.fb is missing"):
        imported("fcn", without(weights, "spec.mel_scale.fb"), tmp_path)


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no checkpoint of fcn: layer6.conv.weight is not known"):
        imported("fcn", {**reference_weights.state("fcn"), "layer6.conv.weight": torch.zeros(1)}, tmp_path)


def test_another_models_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no checkpoint of short_chunk: dense2.weight is missing"):
        imported("short_chunk", reference_weights.state("fcn"), tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        (
            "layer3.conv.weight",
            torch.zeros(128, 128, 3, 5),
            "layer3.conv.weight has shape 128x128x3x5, not 128x128x3x3",
        ),
        ("layer3.conv.bias", torch.zeros(()), r"layer3.conv.bias has shape \(\), not 128"),
        ("layer3.conv.bias", torch.full((128,), torch.inf), "layer3.conv.bias holds values that are no finite float32"),
        ("layer3.conv.bias", torch.zeros(128, dtype=torch.int64), "layer3.conv.bias holds values that are no finite"),
        ("layer1.conv.weight", torch.zeros(0, 1, 3, 3), "layer1.conv.weight has shape 0x1x3x3"),
        ("layer1.conv.weight", torch.zeros(513, 1, 3, 3), r"width must lie in \[1, 512\], not 513"),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused(name: str, value: torch.Tensor, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=complaint):
        imported("fcn", {**reference_weights.state("fcn"), name: value}, tmp_path)


@pytest.mark.parametrize("content", [torch.zeros(3), {"state_dict": {}}, [1]], ids=["tensor", "nested", "list"])
def test_what_is_no_state_dict_is_refused(content: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must hold tensors by name"):
        imported("fcn", content, tmp_path)


class Planted:
    """Unpickled, it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read as weights"):
        imported("fcn", {"weight": Planted(tmp_path / "planted")}, tmp_path)
    (tmp_path / "weights.pth").write_bytes(pickle.dumps(Planted(tmp_path / "planted"), protocol=2))
    with pytest.raises(UsageError, match="cannot be read as weights"):
        import_checkpoint(tmp_path / "weights.pth", "fcn")
    assert not (tmp_path / "planted").exists()


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 half a zip"])
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(UsageError, match=r"weights.pth cannot be read as weights: it is damaged, or holds"):
        import_checkpoint(tmp_path / "weights.pth", "fcn")


def test_half_a_checkpoint_of_torchs_first_format_is_refused(tmp_path: Path) -> None:
    torch.save(reference_weights.state("fcn"), tmp_path / "weights.pth", _use_new_zipfile_serialization=False)
    import_checkpoint(tmp_path / "weights.pth", "fcn")
    content = (tmp_path / "weights.pth").read_bytes()
    (tmp_path / "weights.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(UsageError, match="cannot be read as weights"):
        import_checkpoint(tmp_path / "weights.pth", "fcn")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none.pth is missing; give the file"):
        import_checkpoint(tmp_path / "none.pth", "fcn")


def test_models_without_published_weights_say_which_have_them(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="no published weights of cnn1d are known; they are of crnn, fcn, harmonic_cnn"
    ):
        import_checkpoint(tmp_path / "weights.pth", "cnn1d")
    with pytest.raises(UnknownNameError, match="did you mean 'musicnn'"):
        import_checkpoint(tmp_path / "weights.pth", "musican")
