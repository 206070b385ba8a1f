"""A storage in which somebody else has left pickles: whatever tagsearch reads of it, none is unpickled."""

import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tagsearch.cli import main
from tagsearch.data.audio import read_audio
from tagsearch.data.features import files_of, open_features
from tagsearch.errors import RecordError
from tagsearch.excerpts import read_excerpts
from tagsearch.files import read_npz, write_json
from tagsearch.models.folder import open_model
from tagsearch.models.published import read_state
from tagsearch.records import read_corpus, read_trials
from tagsearch.search import run as search_run
from tagsearch.search.placement import Machine
from tagsearch.study.parse import read_study
from tagsearch.study.schema import Study
from tagsearch.training import checkpoint
from tests import trapped
from tests.fake_run import FakeRun

ROOT = Path(__file__).parent.parent
RAYS = ("tuner.pkl", "searcher-state-2999.pkl", "search_gen_state-2999.json", "experiment_state-2999-01-01.json")
OF_A_TRIAL = ("error.pkl", "params.pkl", "checkpoint.pt", "checkpoint-previous.pt", "weights-final.pt", "x.joblib")


@pytest.fixture(scope="module")
def trapped_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Study, Path]:
    """A finished run whose folder holds a trap under every name that Ray, torch or joblib gives a pickle; its study;
    what appears when one springs."""
    storage = tmp_path_factory.mktemp("runs")
    run, sprung = storage / "first", storage / "sprung"
    study = read_study(ROOT / "search_spaces" / "smoke.yaml")
    signals = dict.fromkeys(study.confirm_arms, 1.0)
    FakeRun(signals=signals, tuned=False, n_clips=100).write(run, study)
    write_json(run / "confirm" / "planned.json", [path.name for path in (run / "confirm").iterdir()])
    for phase in ("tune", "confirm"):
        for name in RAYS:
            content = trapped.tune_state(sprung).encode() if name.endswith("json") else trapped.pickled(sprung)
            (run / phase).mkdir(exist_ok=True)
            (run / phase / name).write_bytes(content)
        for trial in (run / phase).glob("*/"):
            for name in OF_A_TRIAL:
                (trial / name).write_bytes(trapped.weights(sprung) if name[-2:] == "pt" else trapped.pickled(sprung))
    (storage / "cache" / "features").mkdir(parents=True)
    (storage / "cache" / "features" / "index.pkl").write_bytes(trapped.pickled(sprung))
    return run, study, sprung


def test_the_traps_spring(tmp_path: Path) -> None:
    import numpy as np
    import torch
    from ray.tune.utils.serialization import _loads_with_cloudpickle

    sprung, file = tmp_path / "sprung", tmp_path / "file"
    ways: list[tuple[bytes, Callable[[], object]]] = [
        (trapped.npz(sprung, ["a"]), lambda: np.load(file, allow_pickle=True)["a"]),
        (trapped.pickled(sprung), lambda: np.load(file, allow_pickle=True)),
        (trapped.weights(sprung), lambda: torch.load(file, weights_only=False)),
        (trapped.tune_state(sprung).encode(), lambda: _loads_with_cloudpickle(file.read_bytes())),
    ]
    for content, careless in ways:
        file.write_bytes(content)
        careless()
        assert sprung.exists()
        sprung.unlink()


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["ls"], ["plan", "smoke"], ["summarize", "--no-report"], ["doctor", "smoke"]],
    ids=lambda arguments: arguments[0],
)
def test_verbs_that_look_at_a_storage_spring_no_trap(
    arguments: list[str], trapped_run: tuple[Path, Study, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _, sprung = trapped_run
    monkeypatch.setattr(sys, "argv", ["tagsearch", *arguments, "--storage-path", str(run.parent)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert not sprung.exists()


def test_a_run_that_goes_on_is_planned_without_springing_one(
    trapped_run: tuple[Path, Study, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, study, sprung = trapped_run
    planned: list[str] = []

    @contextmanager
    def no_ray(*_: object, **__: object) -> Iterator[None]:
        yield

    def note(phase: str, **facts: Any) -> None:
        planned.extend(propose().name for propose in facts["planned"])

    for name in ("ray_session", "head_watched"):
        monkeypatch.setattr(search_run, name, no_ray)
    monkeypatch.setattr(search_run, "check_nodes", lambda *_, **__: None)
    monkeypatch.setattr(search_run, "run_phase", note)
    monkeypatch.setattr(search_run, "machines", lambda **_: [Machine(name="here", n_cpus=1, n_gpus=0)])
    with pytest.raises(RecordError, match="is no trial that the run plans"):  # all were read, and chosen by no tuning
        search_run.execute(study, run, {"cnn1d": run}, options=search_run.Options(), device="cpu", observers=[])
    assert study.tune is not None
    assert len(planned) == study.tune.trials_per_arm * len(study.arms)
    assert not sprung.exists()


# --- readers, one by one: what they are given is a trap through and through -------------------------------------------

Reader = Callable[[Path], object]


def _checkpoint(folder: Path) -> object:
    """One whose checksum is right, as somebody who knows the format would make it."""
    content = (folder / "file").read_bytes()
    head = b"tagsearch checkpoint 1\n" + zlib.crc32(content).to_bytes(4, "big")
    (folder / "checkpoint.pt").write_bytes(head + content)
    return checkpoint.load(folder, identity="")


def _renamed(name: str, read: Reader) -> Reader:
    def reader(folder: Path) -> object:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((folder / "file").read_bytes())
        return read(folder)

    return reader


def _excerpts(run: Path) -> object:
    facts = {"tag": "rock", "row": 1, "start": 0.0, "seconds": 1.0}
    write_json(run / "excerpts" / "excerpts.json", [facts])
    (run / "excerpts" / "1.mp3").write_bytes(b"")
    return read_excerpts(run)


def _model(folder: Path) -> object:
    write_json(folder / "model.json", {"name": "cnn1d", "n_tags": 1, "knobs": {}})
    return open_model(folder)


READERS: dict[str, Reader] = {
    "files": lambda folder: read_npz(folder / "file"),
    "corpus": _renamed("corpus.npz", read_corpus),
    "view": _renamed("store/views/view.npz", lambda folder: open_features(folder / "store/views/view.npz")),
    "files of a view": _renamed("store/views/view.npz", lambda folder: files_of(folder / "store/views/view.npz")),
    "excerpts": _renamed("excerpts/log_mels.npz", _excerpts),
    "checkpoint": _checkpoint,
    "weights": lambda folder: checkpoint.from_bytes((folder / "file").read_bytes()),
    "model": _renamed("weights.pt", _model),
    "published weights": lambda folder: read_state(folder / "file"),
    "audio": _renamed("a.npy", lambda folder: read_audio(folder / "a.npy", 16_000, npy_rate=16_000)),
    "other audio": lambda folder: read_audio(folder / "file", 16_000, npy_rate=16_000),
}
NAMES = ["name", "fingerprint", "tags", "notes", "front_end", "shards", "clip_ids", "labels", "1", "test/final"]
FORMS: dict[str, Callable[[Path], bytes]] = {
    "pickle": trapped.pickled,
    "npy": trapped.npy,
    "npz": lambda sprung: trapped.npz(sprung, NAMES),
    "torch": trapped.weights,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_springs_no_trap(reader: str, form: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(FORMS[form](tmp_path / "sprung"))
    with suppress(Exception):  # in which words it is refused is told elsewhere
        READERS[reader](tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_scores_and_draws_of_a_trial_spring_no_trap(trapped_run: tuple[Path, Study, Path]) -> None:
    run, _, sprung = trapped_run
    trial = next(read_trials(run, "confirm"))
    kept = trial.folder / "scores.npz"
    content = kept.read_bytes()
    for name in ("scores.npz", "draws.npz"):
        (trial.folder / name).write_bytes(trapped.npz(sprung, ["test/final", "valid/final", "clips", "tags"]))
    for read in (lambda: trial.scores("test"), trial.draws):
        with pytest.raises(Exception, match="is damaged"):
            read()
    kept.write_bytes(content)
    (trial.folder / "draws.npz").unlink()
    assert not sprung.exists()


def test_no_module_reads_pickles() -> None:
    """What unpickles by its nature is not called; what may, is told not to."""
    sources = {path: path.read_text() for room in ("tagsearch", "analysis") for path in (ROOT / room).rglob("*.py")}
    careless = re.compile(
        r"pickle\.loads?\(|Unpickler\(|joblib\.load|read_pickle|allow_pickle=True|weights_only=False|shelve|marshal"
        r"|Tuner\.restore|\.get_results\(|yaml\.(unsafe_|full_)?load\(|YAML\(\)|typ=.(unsafe|full)|dill"
    )
    assert len(sources) > 200
    assert not [str(path) for path, text in sources.items() if careless.search(text)]
    for path, text in sources.items():
        for call in re.findall(r"(?:np|torch)\.load\(.*", text):
            assert "allow_pickle=False" in call or "weights_only=True" in call, f"{path}: {call}"
