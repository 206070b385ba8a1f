"""How the study tests write and read study files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tagsearch.study import overrides as overrides_module
from tagsearch.study.parse import read_study
from tagsearch.study.schema import Study

Reader = Callable[..., Study]


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The default profile is `cpu`, whatever machine runs the tests."""
    monkeypatch.setattr(overrides_module, "GPU_DEVICE", tmp_path / "no-gpu")


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Writes text to `s.yaml` and reads it; errors begin with `s.yaml:<line>: `."""
    monkeypatch.chdir(tmp_path)

    def read_text(text: str, *overrides: str, profile: str | None = None) -> Study:
        Path("s.yaml").write_text(text, encoding="utf-8")
        return read_study(Path("s.yaml"), overrides=overrides, profile=profile)

    return read_text
