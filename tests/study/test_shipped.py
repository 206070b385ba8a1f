"""The studies that come with tagsearch, and how they are found."""

import dataclasses
from pathlib import Path

import pytest

from tagsearch.errors import UsageError
from tagsearch.registry import LOSSES, MODELS, SAMPLERS
from tagsearch.study import shipped
from tagsearch.study.parse import find_study, read_study, write_resolved
from tagsearch.study.plan import make_plan
from tagsearch.study.shipped import shipped_studies

NAMES = (
    "architectures",
    "architectures_all",
    "epochs",
    "joint",
    "losses",
    "losses_all",
    "samplers",
    "samplers_all",
    "smoke",
)
ARMS = {
    "architectures": ("cnn1d", "cnn2d", "short_chunk", "short_chunk_res", "self_attention"),
    "architectures_all": tuple(MODELS),
    "epochs": ("x1", "x2", "x4", "x8", "x16"),
    "joint": ("baseline", "search-1", "search-2", "search-3"),
    "losses": ("bce", "focal", "bce_triplet"),
    "losses_all": (
        "bce.smoothing=0",
        "bce.smoothing=0.1",
        "weighted_bce",
        "focal",
        "asymmetric",
        "class_balanced",
        "logit_adjusted",
        "bce_triplet",
        "bce_supcon",
    ),
    "samplers": ("shuffle", "tag_uniform"),
    "samplers_all": ("shuffle", "tag_uniform", "power", "repeat_factor"),
    "smoke": ("bce", "focal"),
}


def test_the_studies_are_shipped() -> None:
    assert tuple(shipped_studies()) == NAMES


LONG = {"architectures_all": ("model", MODELS), "losses_all": ("loss", LOSSES), "samplers_all": ("sampler", SAMPLERS)}
SHORT = [name for name in NAMES if name not in LONG]
PROFILES = [(name, profile) for name in SHORT for profile in ("cpu", "gpu")] + [(name, "gpu") for name in LONG]


@pytest.mark.parametrize(("name", "profile"), PROFILES)
def test_a_shipped_study_is_valid_in_every_profile(name: str, profile: str) -> None:
    study = read_study(shipped_studies()[name], profile=profile)
    assert study.profile == profile
    assert study.name == name
    assert study.confirm_arms == ARMS[name]
    assert study.question
    assert study.hypotheses
    assert study.tune is not None


@pytest.mark.parametrize(("name", "profile"), PROFILES)
def test_a_shipped_study_resolves_to_a_file_that_reads_as_the_same_study(
    name: str, profile: str, tmp_path: Path
) -> None:
    study = read_study(shipped_studies()[name], profile=profile)
    (tmp_path / "resolved.yaml").write_text(write_resolved(study))
    again = read_study(tmp_path / "resolved.yaml")
    assert dataclasses.replace(again, source=study.source) == study


@pytest.mark.parametrize("name", [name for name in SHORT if name != "smoke"])
def test_a_shipped_study_plans_real_confirm_seeds(name: str) -> None:
    assert read_study(shipped_studies()[name], profile="cpu").confirm.seeds == 5


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_study_can_run_on_mtat(name: str) -> None:
    overrides = ["data.path=/music/mtat", "data.corpus=mtat"]
    study = read_study(shipped_studies()[name], overrides=overrides, profile="gpu")
    assert (study.data["corpus"], study.data["path"], study.data["tags"]) == ("mtat", "/music/mtat", "top50")


@pytest.mark.parametrize("name", LONG)
def test_a_study_of_everything_holds_every_component(name: str) -> None:
    kind, known = LONG[name]
    study = read_study(shipped_studies()[name], profile="gpu")
    assert {arm.config[kind] for arm in study.arms} == set(known)


@pytest.mark.parametrize("name", SHORT)
def test_the_cpu_profile_costs_a_tenth_of_the_gpu_profile_on_mtat_or_less(name: str) -> None:
    small, full = (read_study(shipped_studies()[name], profile=profile) for profile in ("cpu", "gpu"))
    cpu = make_plan(small, n_clips={"train": 900, "valid": 150, "test": 250}, clip_seconds=8.0, n_slots=2)
    gpu = make_plan(full, n_clips={"train": 15_244, "valid": 1_529, "test": 4_332}, clip_seconds=29.1, n_slots=2)
    assert cpu.seconds < 0.1 * gpu.seconds


def test_an_installed_package_holds_its_studies_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "search_spaces").mkdir()
    (tmp_path / "search_spaces" / "mine.yaml").touch()
    monkeypatch.setattr(shipped, "_PACKAGE", tmp_path)
    assert find_study("mine.yaml")[0] == tmp_path / "search_spaces" / "mine.yaml"


def test_a_folder_of_that_name_hides_no_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("losses").mkdir()
    assert find_study("losses")[0].name == "losses.yaml"


def test_a_path_that_exists_is_taken(tmp_path: Path) -> None:
    (tmp_path / "losses.yaml").touch()
    assert find_study(str(tmp_path / "losses.yaml")) == (tmp_path / "losses.yaml", None)


@pytest.mark.parametrize("argument", ["spaces/losses.yaml", "losses.yaml", "losses", "spaces/losses.yml"])
def test_a_shipped_study_is_found_by_its_file_name(
    argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, note = find_study(argument)
    assert path.read_text().startswith("# Experiment")
    assert path.name == "losses.yaml"
    assert note == f"{argument} not found; using the shipped losses.yaml"


@pytest.mark.parametrize("argument", ["spaces/loses.yaml", "loses", "losses.txt", "x" * 5000, "a\0b"])
def test_an_unknown_study_lists_the_shipped_ones(
    argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"known: architectures, architectures_all, epochs, .*, smoke$") as caught:
        find_study(argument)
    if "loses" in argument:
        assert "did you mean 'losses'?" in str(caught.value)
