"""How much scores scatter: assumed, or as an earlier run left it."""

import math
from pathlib import Path

import pytest
from scipy.stats import chi2

from tagsearch.files import write_json, write_text
from tagsearch.study.endpoints import Endpoint
from tagsearch.study.noise import (
    CLIP_SE,
    N_ARTISTS,
    NOISE_FILE,
    SEED_SD,
    Earlier,
    find_earlier,
    group_factor,
    noise_of,
    upper_bound,
)
from tagsearch.study.power import Noise
from tests.study.conftest import Reader
from tests.study.examples import LOSSES

PR = Endpoint(metric="pr_auc")
TAIL = Endpoint(metric="pr_auc", tags="tail")


def leave_noise(storage: Path, name: str, *, study: str, data: object, seed_sd: float, epochs: int = 0) -> None:
    write_text(storage / name / "resolved.yaml", "study: x\n")
    row = {"endpoint": "PR AUC", "seed_sd": seed_sd, "df": 12, "clip_variance": 4e-6}
    content = {"study": study, "data": data, "n_artists": 75, "endpoints": [row]}
    content["baseline"] = {"model": "cnn1d", "epochs": epochs}
    write_json(storage / name / NOISE_FILE, content)


def test_what_is_assumed_of_artists_falls_as_one_over_their_number() -> None:
    few, many = (noise_of(PR, n_artists=n, earlier=None).noise for n in (N_ARTISTS, 4 * N_ARTISTS))
    assert (few.seed_sd, many.seed_sd) == (SEED_SD["pr_auc"], SEED_SD["pr_auc"])
    assert few.clip_variance == pytest.approx(CLIP_SE["pr_auc"] ** 2)
    assert many.clip_variance == pytest.approx(few.clip_variance / 4)


def test_without_known_artists_only_seeds_scatter() -> None:
    noise = noise_of(PR, n_artists=None, earlier=None).noise
    assert (noise.clip_variance, noise.n_artists) == (0.0, None)


@pytest.mark.parametrize(
    ("tags", "factor"),
    [("all", 1.0), ("head", math.sqrt(2.3)), ("tail", math.sqrt(1.5)), (("sitar",), math.sqrt(16.7))],
)
def test_fewer_tags_scatter_more(tags: object, factor: float) -> None:
    """By hand: 0.7 + 16 / n for n = 10, 20 and 1."""
    assert group_factor(tags) == pytest.approx(factor)  # type: ignore[arg-type]


def test_a_group_against_another_scatters_as_if_both_were_independent() -> None:
    beyond = Endpoint(metric="pr_auc", tags="tail", beyond="head")
    noise = noise_of(beyond, n_artists=75, earlier=None).noise
    assert noise.seed_sd == pytest.approx(SEED_SD["pr_auc"] * math.sqrt(2.3 + 1.5))


def test_what_was_measured_for_the_endpoint_comes_before_what_is_scaled_and_that_before_what_is_assumed() -> None:
    whole = Noise(seed_sd=0.010, clip_variance=1e-6, n_artists=75)
    tail = Noise(seed_sd=0.030, clip_variance=2e-6, n_artists=75)
    both = Earlier(run="first", noise={"PR AUC": whole, "PR AUC of tail tags": tail})
    assert noise_of(TAIL, n_artists=9, earlier=both).noise == tail
    scaled = noise_of(TAIL, n_artists=9, earlier=Earlier(run="first", noise={"PR AUC": whole}))
    assert (scaled.run, scaled.noise.n_artists) == ("first", 75)
    assert scaled.noise.seed_sd == pytest.approx(0.010 * math.sqrt(1.5))
    assert scaled.noise.clip_variance == pytest.approx(1e-6 * 1.5)
    other = noise_of(Endpoint(metric="roc_auc"), n_artists=9, earlier=both)
    assert (other.run, other.noise.seed_sd) == (None, SEED_SD["roc_auc"])


def test_a_snapshot_scatters_as_the_final_checkpoint_does() -> None:
    earlier = Earlier(run="first", noise={"PR AUC": Noise(seed_sd=0.01, clip_variance=1e-6, n_artists=75)})
    assert noise_of(Endpoint(metric="pr_auc", checkpoint="epoch10"), n_artists=75, earlier=earlier).run == "first"


def test_the_newest_run_of_the_study_on_the_corpus_tells_or_else_the_newest_with_a_like_baseline(
    read: Reader, tmp_path: Path
) -> None:
    study, storage = read(LOSSES), tmp_path / "runs"
    data, epochs = dict(study.data), int(study.baseline.config["epochs"])
    assert find_earlier(storage, study) is None
    leave_noise(storage, "1-small", study="x", data={**data, "size": "small"}, seed_sd=0.9, epochs=epochs)
    assert find_earlier(storage, study) is None
    leave_noise(storage, "2-own", study="x", data=data, seed_sd=0.02)
    leave_noise(storage, "3-newer-of-another-study", study="y", data=data, seed_sd=0.01, epochs=epochs)
    leave_noise(storage, "4-of-two-epochs", study="y", data=data, seed_sd=0.01, epochs=2)
    found = find_earlier(storage, study)
    assert found is not None
    assert found.run == "2-own"
    other = find_earlier(storage, read(LOSSES.replace("study: x", "study: z")))
    assert other is not None
    assert other.run == "3-newer-of-another-study"


def test_a_run_that_was_never_summarized_tells_nothing(read: Reader, tmp_path: Path) -> None:
    write_text(tmp_path / "runs" / "first" / "resolved.yaml", "study: x\n")
    assert find_earlier(tmp_path / "runs", read(LOSSES)) is None


def test_the_seed_sd_of_an_earlier_run_is_taken_at_its_upper_bound(read: Reader, tmp_path: Path) -> None:
    study = read(LOSSES)
    leave_noise(tmp_path, "first", study="x", data=dict(study.data), seed_sd=0.01)
    found = find_earlier(tmp_path, study)
    assert found is not None
    expected = 0.01 * math.sqrt(12 / chi2.ppf(0.2, 12))
    assert found.noise["PR AUC"] == Noise(seed_sd=pytest.approx(expected), clip_variance=4e-6, n_artists=75)
    assert upper_bound(0.01, 4) > expected


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"study": "x"}', "NOISE"])
def test_an_earlier_run_whose_noise_is_damaged_is_passed_over_with_a_warning(
    read: Reader, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    study = read(LOSSES)
    leave_noise(tmp_path, "first", study="x", data=dict(study.data), seed_sd=0.01)
    leave_noise(tmp_path, "second", study="x", data=dict(study.data), seed_sd=0.02)
    file = tmp_path / "second" / NOISE_FILE
    file.write_text(file.read_text().replace('"seed_sd"', '"sd"') if content == "NOISE" else content)
    found = find_earlier(tmp_path, study)
    assert found is not None
    assert found.run == "first"
    assert f"`tagsearch summarize {tmp_path / 'second'}` writes it anew" in caplog.text
