"""What others could do with the storage and with Ray."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagsearch.search import doctor, exposure
from tagsearch.search.exposure import exposures

NOWHERE = {"RAY_AUTH_TOKEN_PATH": "/nowhere"}


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder where everybody gets; pytest's own folders are private."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        Path(place).chmod(0o755)
        home = Path(place) / "home"
        (home / ".ray").mkdir(parents=True)
        (home / ".ray" / "auth_token").write_text("0" * 64)
        for folder in (home, home / ".ray"):
            folder.chmod(0o755)
        monkeypatch.setenv("HOME", str(home))
        yield home


@pytest.mark.parametrize(
    ("mode", "of_home", "n"), [(0o644, 0o755, 1), (0o604, 0o711, 1), (0o640, 0o755, 0), (0o644, 0o750, 0)]
)
def test_a_token_that_others_can_read_is_told(mode: int, of_home: int, n: int, home: Path) -> None:
    (home / ".ray" / "auth_token").chmod(mode)
    home.chmod(of_home)
    found = list(exposures(home / "runs", {}))
    assert len(found) == n
    assert all(f"can read {home}/.ray/auth_token" in text and text.endswith("chmod 600 it") for text in found)


def test_the_token_is_where_ray_is_told_that_it_is(home: Path) -> None:
    (home / "other").write_text("0" * 64)
    (home / "other").chmod(0o644)
    (text,) = exposures(home / "runs", {"RAY_AUTH_TOKEN_PATH": str(home / "other")})
    assert f"can read {home}/other" in text


def test_a_storage_that_everybody_writes_to_is_told(home: Path) -> None:
    (home / "runs").mkdir()
    assert list(exposures(home / "runs", NOWHERE)) == []
    (home / "runs").chmod(0o777)
    (text,) = exposures(home / "runs", NOWHERE)
    assert f"can write to {home}/runs" in text


@pytest.mark.parametrize(("mode", "n"), [("disabled", 1), ("token", 0), ("TOKEN", 0)])
def test_ray_without_a_token_is_told(mode: str, n: int, tmp_path: Path) -> None:
    assert len(list(exposures(tmp_path, NOWHERE | {"RAY_AUTH_MODE": mode}))) == n


def test_doctor_warns_of_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/nowhere")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    (finding,) = doctor.access(home)
    assert str(finding).startswith("warning  access     RAY_AUTH_MODE asks for no token")


def test_ray_still_keeps_its_token_there() -> None:
    from ray._private.authentication.authentication_token_setup import _get_default_token_path

    assert _get_default_token_path() == Path(exposure.TOKEN).expanduser()
