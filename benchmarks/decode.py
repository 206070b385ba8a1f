"""Clips prepared per second and core, beside bare library calls on the same files.

    python benchmarks/decode.py [--clips 200] [--rounds 5]

The files are MP3, 16 kHz mono, 29.1 s, 32 kbit/s as in MagnaTagATune: 40 of noise and tones, the others hard links to
them. On one core and in one process take turns
  prepare   tagsearch.data.store.prepare into an empty store: reading, checks, log-mel, float16, checksum, writing
  bare      soundfile.read, torchaudio's MelSpectrogram and AmplitudeToDB in a loop; nothing checked or written
  librosa   librosa.load, melspectrogram and power_to_db in a loop, where librosa is installed
and the median clips per CPU second and the median ratio of neighbours to `prepare` are printed. Aim: >= 0.9 of bare.
CPU seconds of one thread are what other load on the machine disturbs least.
"""

import argparse
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio

from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.frontend import LOG_MEL
from tagsearch.data.store import prepare
from tagsearch.records import CorpusTable

RATE, SECONDS, N_DISTINCT = 16_000, 29.1, 40
FRONT_END = {"sr": RATE, "n_fft": LOG_MEL.n_fft, "hop_length": LOG_MEL.hop, "n_mels": LOG_MEL.n_mels}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core: prepare works in this process
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        corpus = mp3_corpus(Path(folder) / "audio", arguments.clips)
        files = [corpus.root / path for path in corpus.table.paths.tolist()]
        stores = (Path(folder) / f"store{i}" for i in itertools.count())
        ways: dict[str, Callable[[], object]] = {
            "prepare": lambda: prepare_anew(corpus, next(stores)),
            "bare": lambda: bare(files),
        }
        if with_librosa := find_librosa():
            ways["librosa"] = lambda: with_librosa(files)
        else:
            print("librosa is not installed: not compared")
        for way in ways.values():
            way()  # warm: imports, page cache, filters
        rounds = [{name: cpu_seconds(way) for name, way in ways.items()} for _ in range(arguments.rounds)]
    for name in ways:
        rate = statistics.median(arguments.clips / turn[name] for turn in rounds)
        ratios = sorted(turn[name] / turn["prepare"] for turn in rounds)
        middle, low, high = (round(ratio, 3) for ratio in (statistics.median(ratios), ratios[0], ratios[-1]))
        print(
            json.dumps({"way": name, "clips_per_cpu_s": round(rate, 1), "prepare_is": middle, "from": low, "to": high})
        )


def cpu_seconds(way: Callable[[], object]) -> float:
    begun = time.process_time()
    way()
    return time.process_time() - begun


def prepare_anew(corpus: OpenCorpus, cache: Path) -> None:
    prepared = prepare(corpus, LOG_MEL, cache=cache, progress=lambda *_: None)
    assert len(prepared.places) == len(corpus.table.paths)


def bare(files: Sequence[Path]) -> None:
    mel = torchaudio.transforms.MelSpectrogram(RATE, LOG_MEL.n_fft, hop_length=LOG_MEL.hop, n_mels=LOG_MEL.n_mels)
    decibels = torchaudio.transforms.AmplitudeToDB()
    with torch.inference_mode():
        for file in files:
            audio, _ = soundfile.read(file, dtype="float32")
            decibels(mel(torch.from_numpy(audio)))


def find_librosa() -> Callable[[Sequence[Path]], None] | None:
    try:
        import librosa
    except ImportError:
        return None

    def loop(files: Sequence[Path]) -> None:
        for file in files:
            audio, _ = librosa.load(file, sr=RATE)
            librosa.power_to_db(librosa.feature.melspectrogram(y=audio, **FRONT_END), top_db=None)

    return loop


def mp3_corpus(root: Path, n: int) -> OpenCorpus:
    root.mkdir()
    generator = np.random.default_rng(0)
    seconds = np.arange(round(SECONDS * RATE)) / RATE
    for i in range(n):
        if i < N_DISTINCT:
            sound = 0.1 * generator.standard_normal(len(seconds)) + 0.2 * np.sin(2 * np.pi * 110 * (i + 1) * seconds)
            # 0.85 is libsndfile's scale for 32 kbit/s at this rate
            setting = {"bitrate_mode": "CONSTANT", "compression_level": 0.85}
            soundfile.write(root / f"{i}.mp3", sound, RATE, subtype="MPEG_LAYER_III", **setting)
        else:
            (root / f"{i}.mp3").hardlink_to(root / f"{i % N_DISTINCT}.mp3")
    ids = np.arange(n)
    table = CorpusTable(
        name="mp3",
        fingerprint="mp3",
        tags=("tag",),
        clip_ids=ids,
        paths=np.array([f"{i}.mp3" for i in range(n)]),
        songs=ids.astype(np.int32),
        albums=ids.astype(np.int32),
        artists=ids.astype(np.int32),
        splits=np.zeros(n, np.int8),
        labels=np.ones((n, 1), np.uint8),
    )
    return OpenCorpus(table=table, root=root, sample_rate=RATE)


if __name__ == "__main__":
    main()
