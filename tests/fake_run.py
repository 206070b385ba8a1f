"""A whole run folder with a known truth, made through tagsearch.records: no training, no audio.

A clip's logit for a tag is signal x label + artist effect + noise. A larger signal is a better arm; each seed draws its
own noise and a small change of signal, each artist its own effect, the same for all arms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tagsearch import files, records
from tagsearch.records import FINAL, SPLITS, CorpusTable, State, TrialResult, TrialSpec
from tagsearch.study.contrasts import versus
from tagsearch.study.lock import LOCK_FILE, make_lock
from tagsearch.study.resolved import write_resolved
from tagsearch.study.schema import Arm, Asha, Confirm, Hypothesis, Part, Stop, Study, Tunable, Tune

N_TAGS = 6


@dataclass(frozen=True, kw_only=True)
class FakeRun:
    """`signals`: arm -> signal, the baseline first. `lost`: (arm, seed number from 0) -> its state."""

    signals: Mapping[str, float]
    n_clips: int = 600
    n_artists: int = 60
    n_tags: int = N_TAGS
    seeds: int = 5
    seed_sd: float = 0.02
    lost: Mapping[tuple[str, int], State] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    clips_drawn: Mapping[str, int] = field(default_factory=dict)
    audio_seconds: Mapping[str, float] = field(default_factory=dict)
    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # arm -> of all its trials
    samplers: Mapping[str, str] = field(default_factory=dict)
    tuned: bool = True
    epochs: int = 4
    arm_epochs: Mapping[str, int] = field(default_factory=dict)  # as declared, where it is not `epochs`
    snapshots: Mapping[int, float] = field(default_factory=dict)  # epoch -> share of the signal there
    hypotheses: tuple[Hypothesis, ...] | None = None
    name: str = "fake"
    random_seed: int = 0
    noise_seed: int | None = None  # another run on the same corpus and artists

    def study(self) -> Study:
        names = tuple(self.signals)
        tunable = Tunable(name="lr", kind="loguniform", low=1e-4, high=1e-1)
        tune = Tune(trials_per_arm=3, search="random", tunables=(tunable,), asha=Asha(grace_period=1))
        return Study(
            name=self.name,
            question="Does it <really> help?",
            data={"corpus": "builtin", "size": "full", "seed": 0, "pad": "refuse"},
            base=self.config(names[0]),
            factors={"loss": names},
            design="one_factor",
            arms=tuple(Arm(name=name, levels={"loss": name}, config=self.config(name)) for name in names),
            tune=tune if self.tuned else None,
            confirm=Confirm(seeds=self.seeds),
            objective="valid/pr_auc",
            checkpoint="best",
            stop=Stop(),
            snapshots=tuple(self.snapshots),
            hypotheses=(claim("any", *names[1:], than=names[0]),) if self.hypotheses is None else self.hypotheses,
            seed=1,
            profile=None,
            document={},
            source="",
        )

    def config(self, arm: str) -> dict[str, records.Scalar]:
        return {
            "model": self.models.get(arm, "cnn1d"),
            "loss": arm,
            "lr": 0.01,
            "epochs": self.arm_epochs.get(arm, self.epochs),
        } | ({"sampler": self.samplers[arm]} if arm in self.samplers else {})

    def write(self, folder: Path, study: Study | None = None) -> Study:
        rng = np.random.default_rng(self.random_seed)
        corpus = make_corpus(rng, n_clips=self.n_clips, n_artists=self.n_artists, n_tags=self.n_tags)
        corpus.save(folder / "corpus.npz")
        files.write_text(folder / "resolved.yaml", write_resolved(study) if study else "study: fake\n")
        artist_effect = rng.normal(0, 0.5, (corpus.artists.max() + 1, self.n_tags))
        rng = rng if self.noise_seed is None else np.random.default_rng(self.noise_seed)
        study = study or self.study()
        register(folder, study)
        for arm, signal in self.signals.items():
            for k, seed in enumerate(study.confirm_seeds):
                config = self.config(arm) if arm not in study.by_name else study.by_name[arm].config
                spec = TrialSpec(phase="confirm", arm=arm, index=k, seed=seed, config=config)
                self._write_trial(folder, spec, corpus, artist_effect, signal, rng)
            for k in range(3 if self.tuned else 0):
                self._write_tune_trial(folder, study, arm, k)
        return study

    def _write_trial(self, folder, spec, corpus, artist_effect, signal, rng) -> None:
        home = folder / "confirm" / spec.name
        records.write_spec(home, spec)
        state = self.lost.get((spec.arm, spec.index), State.COMPLETED)
        own = signal + rng.normal(0, self.seed_sd)
        noise = rng.normal(0, 1, corpus.labels.shape)
        logits = (own * corpus.labels + artist_effect[corpus.artists] + noise - 2).astype(np.float32)
        if not state.is_final:
            return
        if state is State.COMPLETED:
            write_history(home, self.epochs, self.n_tags, top=0.3 + own / 10)
            scores = {f"{split}/{FINAL}": logits[corpus.rows(split)] for split in SPLITS[1:]}
            for epoch, share in self.snapshots.items():
                early = logits + np.float32((share - 1) * own) * corpus.labels
                scores |= {f"{split}/epoch{epoch}": early[corpus.rows(split)] for split in SPLITS[1:]}
            files.write_npz(home / "scores.npz", scores)
        drawn = self.clips_drawn.get(spec.arm, 1000)
        best = 0.5 if state is State.COMPLETED else None
        n_epochs = self.epochs if state is State.COMPLETED else 0
        result = TrialResult(
            state=state,
            epochs=n_epochs,
            best=best,
            last=best,
            best_epoch=n_epochs or None,
            clips_drawn=drawn,
            audio_seconds=self.audio_seconds.get(spec.arm, 3000.0),
            measures=self.measures.get(spec.arm, {}),
        )
        records.write_result(home, result)

    def _write_tune_trial(self, folder: Path, study: Study, arm: str, k: int) -> None:
        proposal = {"lr": 0.01 * (k + 1)}
        spec = TrialSpec(
            phase="tune",
            arm=arm,
            index=k,
            seed=study.tune_seed(k),
            config=self.config(arm) | proposal,
            proposal=proposal,
        )
        home = folder / "tune" / spec.name
        records.write_spec(home, spec)
        epochs = self.epochs if k == 0 else 1
        write_history(home, epochs, self.n_tags, top=0.4)
        state = State.COMPLETED if k == 0 else State.STOPPED
        records.write_result(home, TrialResult(state=state, epochs=epochs, best=0.4, last=0.4, best_epoch=epochs))


def register(folder: Path, study: Study, **beside: object) -> None:
    """As if `study` had been registered before the run; `beside` stands in the lock outside its hash."""
    files.write_json(folder / LOCK_FILE, make_lock(study, records.read_corpus(folder)) | beside)


def claim(quantifier, *arms: str, than: str, id: str = "h1", alpha: float = 0.05, **part) -> Hypothesis:
    margins = {"roc_auc": 0.005, "pr_auc": 0.010}
    one = Part(
        id="p1",
        kind="versus",
        contrasts=tuple(versus(arm, than) for arm in arms),
        at_least=1 if quantifier == "any" else len(arms),
        written={quantifier: list(arms), "than": than},
        metrics=tuple(margins),
        margins=margins,
        **part,
    )
    return Hypothesis(id=id, text="Losses made for <imbalance> & such help", alpha=alpha, parts=(one,))


def write_history(home: Path, epochs: int, n_tags: int, *, top: float) -> None:
    curve = top * (1 - np.exp(-np.arange(1, epochs + 1) / 2))
    rows = [
        dict.fromkeys(records.HISTORY_COLUMNS, 1.0)
        | {"epoch": e + 1, "valid/pr_auc": float(curve[e]), "valid/roc_auc": 0.5 + float(curve[e]) / 2}
        for e in range(epochs)
    ]
    per_tag = np.repeat(curve[:, None], n_tags, axis=1).astype(np.float32)
    records.write_history(home, rows, {"roc_auc": 0.5 + per_tag / 2, "pr_auc": per_tag})


def make_corpus(rng: np.random.Generator, *, n_clips: int, n_artists: int, n_tags: int = N_TAGS) -> CorpusTable:
    """`n_clips` clips in each split; artists belong to one split; tags get rarer along the list."""
    n = 3 * n_clips
    splits = np.repeat(np.arange(3), n_clips)
    artists = rng.integers(0, n_artists, n) + n_artists * splits
    prevalence = np.geomspace(0.4, 0.05, n_tags)
    artist_taste = rng.normal(0, 0.7, (3 * n_artists, n_tags))
    chance = 1 / (1 + np.exp(-(np.log(prevalence / (1 - prevalence)) + artist_taste[artists])))
    return CorpusTable(
        name="fake",
        fingerprint="f" * 8,
        tags=tuple(f"tag {t}" for t in range(n_tags)),
        clip_ids=np.arange(n),
        paths=np.array([f"{i}.mp3" for i in range(n)]),
        songs=np.arange(n, dtype=np.int32),
        albums=artists.astype(np.int32),
        artists=artists.astype(np.int32),
        splits=splits.astype(np.int8),
        labels=(rng.random((n, n_tags)) < chance).astype(np.uint8),
    )


def verdicts_of(fake: FakeRun, folder: Path) -> Sequence:
    return summary_of(fake, folder).verdicts


def summary_of(fake: FakeRun, folder: Path):
    from analysis.rundata import gather
    from analysis.summary import summarize

    return summarize(gather(folder, fake.write(folder)))
