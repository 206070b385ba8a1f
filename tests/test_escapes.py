"""Names and paths that would lead out of where they belong: refused in one line, or harmless."""

import sys
from pathlib import Path

import pytest
import soundfile

from tagsearch.cli import main
from tagsearch.data import folder, mtat
from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.frontend import WAVEFORM
from tagsearch.data.store import prepare
from tagsearch.errors import CorpusError
from tests.fake_corpus import silent
from tests.fake_mtat import ROWS, write_mtat

STUDY = "study: mine\nfactors: {loss: [bce, focal]}\n"
ARMS = "study: mine\narms: {bce: {loss: bce}, %s: {loss: focal}}\n"
CLAIM = "hypotheses: [{id: %s, text: better, arm: focal, than: bce}]\n"


def refusal(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line, without its `error: `, of a command that ends with 2."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tagsearch", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    lines = capsys.readouterr().err.splitlines()
    assert (ended.value.code, len(lines)) == (2, 1), lines
    return lines[0].removeprefix("error: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study: ../../x\nfactors: {loss: [bce, focal]}\n", "s.yaml:1: the study's name is made of letters, digits"),
        ('study: "a\\0b"\nfactors: {loss: [bce, focal]}\n', "s.yaml:1: the study's name is made of letters, digits"),
        (ARMS % "../../x", "s.yaml:2: an arm's name is made of letters, digits"),
        (ARMS % "/etc/x", "s.yaml:2: an arm's name is made of letters, digits"),
        ("study: mine\nfactors: {loss: [bce, ../../x]}\n", "s.yaml:2: no loss is called '../../x'"),
        (STUDY + "snapshots: [../../x]\n", "s.yaml:3: a snapshot's epoch must be a whole number"),
        (STUDY + CLAIM % "../x", "s.yaml:3: the id of a hypothesis is made of letters, digits"),
        (STUDY + "profiles: {../x: {epochs: 3}}\n", "s.yaml:3: a profile's name is made of letters, digits"),
        (STUDY + 'data: {corpus: folder, path: "/a\\0b"}\n', "s.yaml:3: data.path must hold no null byte"),
        (STUDY + 'data: {corpus: folder, labels: "a\\0b"}\n', "s.yaml:3: data.labels must hold no null byte"),
    ],
)
def test_a_name_that_would_be_a_path_is_refused_with_its_line(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(text)
    assert refusal("plan", "s.yaml", capsys=capsys).startswith(message)
    assert [path.name for path in tmp_path.iterdir()] == ["s.yaml"]


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "a/b"])
def test_no_run_is_made_outside_its_storage(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(STUDY)
    assert refusal("run", "s.yaml", "-y", "--name", name, capsys=capsys).startswith(f"--name '{name}': a run is a fold")
    assert [path.name for path in tmp_path.iterdir()] == ["s.yaml"]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the corpus with what is nobody's audio."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
    return tmp_path / "outside"


def opened(root: Path, labels: str) -> OpenCorpus:
    root.mkdir(exist_ok=True)
    (root / "labels.csv").write_text("path,split,rock\n" + labels)
    for split in ("train", "valid", "test"):
        soundfile.write(root / f"{split}.wav", [0.1] * 16_000, 16_000)
    return folder.load(cache=root, progress=silent, path=str(root), labels="", tags="all", sample_rate=16_000)


GOOD = "train.wav,train,1\nvalid.wav,valid,1\ntest.wav,test,1\n"


def test_a_link_out_of_the_corpus_is_followed_to_audio_and_to_nothing_else(tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    for name, target in (("a.mp3", outside / "passwd"), ("b.mp3", outside), ("c.mp3", Path("/dev/zero"))):
        (root / name).symlink_to(target)
    corpus = opened(root, GOOD + "a.mp3,train,1\nb.mp3,train,1\nc.mp3,train,1\n")
    assert [(file.path, file.reason) for file in corpus.bad] == [
        ("b.mp3", "not a regular file"),
        ("c.mp3", "not a regular file"),
    ]
    (bad,) = prepare(corpus, WAVEFORM, cache=tmp_path / "cache", progress=silent).bad
    assert (bad.path, bad.reason) == ("a.mp3", "cannot be decoded")
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if b"root:x" in path.read_bytes()]


@pytest.mark.parametrize("path", ["../outside/passwd", "/etc/passwd", "x/../../outside/passwd", "a\0.mp3"])
def test_a_label_file_names_nothing_outside_its_folder(path: str, tmp_path: Path, outside: Path) -> None:
    with pytest.raises(CorpusError, match=r"labels\.csv:5: (paths cannot escape|a path holds no control characters)"):
        opened(tmp_path / "corpus", f"{GOOD}{path},train,1\n")


@pytest.mark.parametrize("path", ["../outside/passwd", "/etc/passwd", "0/../../outside/passwd"])
def test_mtats_annotations_name_nothing_outside_their_folders(path: str, tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "mtat"
    root.mkdir()
    write_mtat(root, ROWS)
    text = (root / mtat.ANNOTATIONS).read_text()
    (root / mtat.ANNOTATIONS).write_text(text.replace(ROWS[0][2], path))
    with pytest.raises(CorpusError, match=r"annotations_final\.csv:2: mp3_path must lie in one of the folders"):
        mtat.load(cache=root, progress=silent, path=str(root), split="12:1:3", tags="top50", merge="none")


def test_a_null_byte_in_an_annotation_file_is_a_file_that_is_missing(tmp_path: Path) -> None:
    write_mtat(tmp_path, ROWS)
    text = (tmp_path / mtat.ANNOTATIONS).read_text()
    (tmp_path / mtat.ANNOTATIONS).write_text(text.replace(ROWS[0][2], "0/a\0.mp3"))
    corpus = mtat.load(cache=tmp_path, progress=silent, path=str(tmp_path), split="12:1:3", tags="top50", merge="none")
    assert [(file.path, file.reason) for file in corpus.bad] == [("0/a\0.mp3", "missing")]
