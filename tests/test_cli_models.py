"""`tagsearch models`, and a model folder read back."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from tagsearch.cli import cli
from tagsearch.errors import StudyError, UnknownNameError, UsageError
from tagsearch.models.folder import open_model
from tagsearch.registry import MODELS
from tests import reference_weights


def tagsearch(*arguments: object) -> str:
    done = CliRunner(catch_exceptions=False).invoke(cli, ["models", *map(str, arguments)], terminal_width=200)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save(reference_weights.state("crnn"), tmp_path / "crnn.pth")
    return tmp_path / "crnn.pth"


def test_the_list_has_every_model_with_its_size() -> None:
    lines = tagsearch("list").splitlines()
    assert [line.split()[0] for line in lines[1:] if line[0] != " "] == list(MODELS)
    (short,) = [line for line in lines if line.startswith("short_chunk ")]
    assert short.split()[1:5] == ["3,687,348", "2,011", "3.69", "log_mel128"]


def test_show_tells_the_cost_at_the_settings_given() -> None:
    told = tagsearch("show", "cnn2d", "width=16", "--tags", 10)
    n_parameters = sum(p.numel() for p in MODELS["cnn2d"].load()(n_tags=10, width=16).parameters())
    assert f"{n_parameters:,} parameters with 10 tags" in told
    assert "[1, 512]" in told


def test_show_refuses_what_does_not_exist() -> None:
    with pytest.raises(StudyError, match="did you mean 'width'"):
        tagsearch("show", "cnn2d", "widht=16")


def test_an_imported_model_scores_as_its_folder_does_when_read_back(checkpoint: Path, tmp_path: Path) -> None:
    told = tagsearch("import", checkpoint, "--as", "crnn", "--out", tmp_path / "model")
    assert told.startswith("crnn with 50 tags (chunk_seconds 29.0, ")
    from tagsearch.models.published import import_checkpoint

    batch = torch.randn(1, 96, 400, generator=torch.Generator().manual_seed(0)) * 10 - 20
    with torch.inference_mode():
        ours = open_model(tmp_path / "model")(batch)[0]
        assert torch.equal(ours, import_checkpoint(checkpoint, "crnn").build()(batch)[0])


def test_a_model_folder_is_not_overwritten(checkpoint: Path, tmp_path: Path) -> None:
    tagsearch("import", checkpoint, "--as", "crnn", "--out", tmp_path / "model")
    with pytest.raises(UsageError, match="holds a model already"):
        tagsearch("import", checkpoint, "--as", "crnn", "--out", tmp_path / "model")


def test_an_unknown_architecture_is_refused_before_the_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'musicnn'"):
        tagsearch("import", tmp_path / "none.pth", "--as", "musicn")


@pytest.mark.parametrize("damage", ["weights.pt", "model.json"])
def test_a_damaged_model_folder_is_told(checkpoint: Path, tmp_path: Path, damage: str) -> None:
    tagsearch("import", checkpoint, "--as", "crnn", "--out", tmp_path / "model")
    (tmp_path / "model" / damage).write_bytes(b"{")
    with pytest.raises(UsageError, match=r"holds no model|cannot be read as weights"):
        open_model(tmp_path / "model")


def test_weights_are_not_imported_into_a_file(checkpoint: Path, tmp_path: Path) -> None:
    arguments = ["models", "import", str(checkpoint), "--as", "crnn", "--out", str(checkpoint)]
    done = CliRunner(catch_exceptions=False).invoke(cli, arguments)
    assert done.exit_code == 2
    assert "is a file" in done.output
