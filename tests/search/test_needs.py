"""What runs need of the cache, and the verb that removes the rest."""

import os
import sys
import time
from pathlib import Path

import pytest

from tagsearch.cli import main
from tagsearch.data.cleaning import Needs
from tagsearch.files import write_json
from tagsearch.records import State, TrialResult, is_run, read_corpus, write_result
from tagsearch.search.needs import needs_of_runs
from tagsearch.search.run_folder import open_run, taken
from tagsearch.study.parse import read_study
from tests.fake_corpus import make_table

STUDY = "study: mine\nfactors: {loss: [bce, focal]}\n"


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """With an unfinished run on the built-in corpus and a finished one on a folder."""
    for name, data, finished in (("begun", "seed: 3", False), ("done", f"corpus: folder, path: {tmp_path}", True)):
        (tmp_path / f"{name}.yaml").write_text(f"{STUDY}data: {{{data}}}\n")
        table = make_table(n_train=1, n_valid=1, n_test=1, seed=int(finished))
        run = tmp_path / "runs" / name
        open_run(run, read_study(tmp_path / f"{name}.yaml"), table, device="cpu")
        if finished:
            write_json(run / "confirm" / "planned.json", ["bce"])
            write_result(run / "confirm" / "bce", TrialResult(state=State.COMPLETED))
    return tmp_path / "runs"


def test_unfinished_runs_need_their_views_and_all_runs_their_built_in_corpora(storage: Path) -> None:
    begun, done = (read_corpus(storage / name).fingerprint for name in ("begun", "done"))
    corpora = frozenset({("full", 3)})
    assert needs_of_runs(storage) == Needs(fingerprints=frozenset({begun}), corpora=corpora)
    with taken(storage / "done"):  # it is being extended
        assert needs_of_runs(storage).fingerprints == {begun, done}


@pytest.mark.parametrize("damage", ["corpus.npz", "resolved.yaml"])
def test_a_run_that_cannot_be_read_may_need_anything(damage: str, storage: Path) -> None:
    (storage / "begun" / damage).write_text("torn")
    assert is_run(storage / "begun")
    assert needs_of_runs(storage).unknown == ("begun",)


def clean(storage: Path, *arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tagsearch", "data", "clean", "--storage-path", str(storage), *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_data_clean_tells_asks_and_removes(storage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = storage / "cache" / "corpora" / "builtin-small-s0-v1-00000000"
    old.mkdir(parents=True)
    (old / "corpus.json").write_bytes(b" " * 300_000)
    os.utime(old, (time.time() - 7200,) * 2)
    told = (
        "         0.3 MB  corpus builtin-small-s0-v1-00000000, which no run uses\n"
        f"         0.3 MB  in all, of {storage / 'cache'}\n"
    )
    assert clean(storage, "--dry-run") == 0
    assert capsys.readouterr().out == told
    assert clean(storage) == 2
    assert capsys.readouterr() == (told, "error: there is no terminal to ask at; pass -y to remove it\n")
    assert old.exists()
    assert clean(storage, "-y") == 0
    assert not old.exists()
    assert is_run(storage / "begun")
    capsys.readouterr()
    assert clean(storage) == 0
    assert capsys.readouterr().out == f"         0.0 MB  in all, of {storage / 'cache'}\n"


def test_data_clean_of_a_storage_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    assert clean(tmp_path / "runs") == 0
    assert list(tmp_path.iterdir()) == []
