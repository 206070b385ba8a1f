"""Writing the built-in corpus: whole or not at all, once, the same again."""

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from tagsearch.data import builtin, mtat
from tagsearch.data.builtin import make as making
from tagsearch.data.builtin.make import fingerprint_of, make_corpus, without_audio
from tagsearch.data.builtin.plan import plan
from tagsearch.data.tags import TOP_50
from tagsearch.errors import CorpusError

N_ALBUMS = 8  # enough for a clip in every split
LEVELS = [-34.61, -21.96, -27.67, -12.4, -29.45]
CENTROIDS = [563, 905, 359, 975, 233]


def no_progress(what: str, done: int, total: int) -> None:
    pass


def make_tiny(store: Path, seed: int = 0, n_albums: int = N_ALBUMS) -> Path:
    return make_corpus(store, "tiny", n_albums=n_albums, seed=seed, progress=no_progress)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("store"))


def test_the_fingerprint_of_a_small_corpus_stays(tiny: Path) -> None:
    """A change here is a change of music or labels: raise VERSION with it."""
    songs = plan(N_ALBUMS, seed=0)
    fingerprint = fingerprint_of(songs, without_audio(songs, seed=0))
    assert (making.VERSION, fingerprint[:16]) == (1, "22aa4ae83b455c16")
    assert tiny.name == f"tiny-s0-v1-{fingerprint[:8]}"


def level_and_centroid(audio: npt.NDArray[np.float64]) -> tuple[float, float]:
    """RMS level in dB below full scale, and the mean frequency of the power spectrum in Hz."""
    power = np.abs(np.fft.rfft(audio)) ** 2
    hertz = np.fft.rfftfreq(len(audio), 1 / mtat.SAMPLE_RATE)
    return float(10 * np.log10(np.mean(audio**2))), float(power @ hertz / power.sum())


def test_the_sound_of_a_small_corpus_stays(tiny: Path) -> None:
    """A change here is a change of sound: raise VERSION with it. Pinned up to rounding, which differs by machine."""
    paths = builtin.open_made(tiny, name="tiny").table.paths[::9]
    heard = [level_and_centroid(soundfile.read(tiny / path)[0]) for path in paths]
    assert [level for level, _ in heard] == pytest.approx(LEVELS, abs=0.01)
    assert [centroid for _, centroid in heard] == pytest.approx(CENTROIDS, abs=1.0)


def test_the_table_holds_the_planned_clips_and_the_annotated_labels(tiny: Path) -> None:
    songs = plan(N_ALBUMS, seed=0)
    corpus = builtin.open_made(tiny, name="tiny")
    assert corpus.table.paths.tolist() == [path for song in songs for path in song.paths]
    assert np.array_equal(corpus.table.labels, np.concatenate([labels for _, labels in without_audio(songs, seed=0)]))
    assert corpus.bad == ()


def test_it_is_laid_out_as_mtat_quoted_and_tab_separated(tiny: Path) -> None:
    lines = (tiny / mtat.ANNOTATIONS).read_text().splitlines()
    assert all(cell.startswith('"') and cell.endswith('"') for line in lines[:3] for cell in line.split("\t"))
    header = next(csv.reader(lines[:1], delimiter="\t"))
    assert header == ["clip_id", *TOP_50, "mp3_path"]


def test_audio_is_eight_seconds_at_sixteen_kilohertz_mono(tiny: Path) -> None:
    corpus = builtin.open_made(tiny, name="tiny")
    for path in corpus.table.paths:
        info = soundfile.info(tiny / path)
        assert (info.samplerate, info.channels, info.frames) == (corpus.sample_rate, 1, 128_000)


def test_another_seed_makes_another_corpus(tiny: Path) -> None:
    first, other = (make_tiny(tiny.parent, seed=seed, n_albums=2) for seed in (1, 2))
    assert hash_of_files(first).values() != hash_of_files(other).values()
    assert first.name[-8:] != other.name[-8:]


def hash_of_files(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_many_processes_make_what_one_makes(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_WORTH_A_POOL", 1)
    assert hash_of_files(make_tiny(tmp_path)) == hash_of_files(tiny)


def test_progress_counts_clips_up_to_the_last(tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    make_corpus(tmp_path, "tiny", n_albums=2, seed=0, progress=lambda *step: steps.append(step))
    n_clips = sum(song.n_clips for song in plan(2, seed=0))
    assert steps[0] == ("composing corpus", 0, n_clips)
    assert steps[-1] == ("composing corpus", n_clips, n_clips)
    assert [done for _, done, _ in steps] == sorted({done for _, done, _ in steps})


def test_a_corpus_that_is_there_is_not_made_again(tiny: Path) -> None:
    def refuse(what: str, done: int, total: int) -> None:
        raise AssertionError(what)

    assert make_corpus(tiny.parent, "tiny", n_albums=N_ALBUMS, seed=0, progress=refuse) == tiny


def test_a_half_made_folder_is_cleared_away(tmp_path: Path) -> None:
    draft = tmp_path / ".tiny-s0-v1-draft"
    (draft / "0").mkdir(parents=True)
    (draft / "0" / "half.flac").write_bytes(b"fLaC")
    folder = make_tiny(tmp_path, n_albums=2)
    assert not draft.exists()
    assert not (folder / "0" / "half.flac").exists()


def test_a_failure_on_the_way_leaves_no_corpus_and_a_later_start_makes_one(tmp_path: Path) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_corpus(tmp_path, "tiny", n_albums=2, seed=0, progress=stop)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    assert make_tiny(tmp_path, n_albums=2).is_dir()


SCRIPT = """
import sys
from pathlib import Path
from tagsearch.data.builtin.make import make_corpus

def progress(what, done, total):
    print(done, flush=True)

if __name__ == "__main__":
    make_corpus(Path(sys.argv[1]), "tiny", n_albums=int(sys.argv[2]), seed=0, progress=progress)
"""


def start(script: Path, store: Path, n_albums: int, text: str = SCRIPT) -> "subprocess.Popen[str]":
    script.write_text(text)
    command = [sys.executable, str(script), str(store), str(n_albums)]
    path = os.pathsep.join([str(Path(builtin.__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, "PYTHONPATH": path})


def test_two_processes_that_start_at_once_make_it_once(tmp_path: Path) -> None:
    processes = [start(tmp_path / "make.py", tmp_path / "store", 4) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(bool(output) for output in outputs) == [False, True]
    assert len(list((tmp_path / "store").glob("tiny-*"))) == 1


def test_a_script_without_a_main_guard_is_told_so_instead_of_waiting_for_itself(tmp_path: Path) -> None:
    unguarded = SCRIPT.replace('if __name__ == "__main__":', "if True:")
    process = start(tmp_path / "make.py", tmp_path / "store", 12, unguarded)
    _, errors = process.communicate(timeout=120)
    assert 'a script needs `if __name__ == "__main__":`' in errors
    assert "a process composing the built-in corpus ended early" in errors
    assert process.returncode == 1


@pytest.mark.slow
def test_after_a_kill_no_process_lingers_and_the_corpus_is_made(tmp_path: Path) -> None:
    with start(tmp_path / "make.py", tmp_path / "store", 100) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() in ("", "0"):
            assert process.poll() is None
        children = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        process.send_signal(signal.SIGKILL)
    assert len(children) >= 2
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not list((tmp_path / "store").glob("tiny-*"))
    assert make_tiny(tmp_path / "store", n_albums=100).is_dir()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file, not a folder")
    with pytest.raises(CorpusError, match=r"cannot write the built-in corpus to .*store: .*; free space or move it"):
        make_tiny(tmp_path / "store")


def test_a_corpus_with_a_lost_file_is_refused(tmp_path: Path) -> None:
    folder = make_tiny(tmp_path)
    next(folder.glob("*/*.flac")).unlink()
    with pytest.raises(CorpusError, match=r"is damaged \(.*flac: missing\); delete it and it is made again"):
        builtin.open_made(folder, name="tiny")


def test_load_makes_the_small_corpus_under_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(builtin.ALBUMS, "small", N_ALBUMS)
    corpus = builtin.load(cache=tmp_path, progress=no_progress, size="small", seed=0)
    assert corpus.root.parent == tmp_path / "corpora"
    assert corpus.root.name == f"builtin-small-s0-v1-{corpus.table.fingerprint[:8]}"
    assert corpus.table.tags == TOP_50
