"""What a study will cost, before anything starts.

Costs are estimates to decide by (minutes or days?), within a factor of about three: the registry's measured time of
every model (on a GPU its arithmetic over a throughput), a fixed cost per training step, and the start of each phase.
The epochs to expect under ASHA are tagsearch.study.stopping's.

Left out: `precision` (bf16 trains 2-D networks up to three times as fast on processors that know it, and slower on
those that emulate it) and `channels_last` (the measured times are without it; at its default 2-D networks train about
1.4 times as fast on a CPU), what augmentations and losses cost, and knobs other than width and chunk length. A probe
(`--probe`, see tagsearch.study.measured) has all of it: what it measured takes the place of the estimates.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, log, pow
from pathlib import Path
from typing import TYPE_CHECKING

from tagsearch.records import Config, Phase, Split
from tagsearch.registry import MODELS, CorpusSize, ModelEntry, Scalar, corpus_entry
from tagsearch.study.chunks import check_chunks, longest_chunk, models_of
from tagsearch.study.measured import Measured, ProbedArms, by_cost, cost_key
from tagsearch.study.overrides import has_gpu
from tagsearch.study.schema import Arm, Study, Tunable
from tagsearch.study.settings import changed
from tagsearch.study.stopping import expected_epochs

if TYPE_CHECKING:
    from tagsearch.study.resolution import Resolution

START_SECONDS = 10.0  # Ray and its first actors, once a phase
BACKWARD_COST = 3.0  # forward and backward, in forwards
CHECKPOINT_BYTES = 2_000_000  # weights, optimizer and generator states of a small network
LOG_BYTES = 200_000  # records and TensorBoard events of a trial
N_TAGS = 50  # the field's usual number
TRIALS_PER_GPU = 4
SCORE_BYTES = 4  # a float32 logit


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Of one slot. `macs_per_second` None: every model takes its own measured time (ModelEntry.core_ms)."""

    macs_per_second: float | None
    seconds_per_step: float  # what a training step costs besides its arithmetic

    def forward_seconds(self, model: ModelEntry) -> float:
        """Of one chunk at the model's default knobs."""
        if self.macs_per_second is None:
            return model.core_ms / 1e3 / BACKWARD_COST
        return model.mega_macs * 1e6 / self.macs_per_second


CPU_SPEED = Speed(macs_per_second=None, seconds_per_step=2e-3)
GPU_SPEED = Speed(macs_per_second=2e12, seconds_per_step=4e-3)  # not measured; small networks wait for kernel starts
WIDTH_EXPONENT = 1.35  # arithmetic grows with the square, but narrow layers use a core worse: measured from width 8 up


@dataclass(frozen=True, kw_only=True)
class PhasePlan:
    """`seconds`: wall time over all slots at the expected epochs; `most_epochs`: if no trial is stopped."""

    phase: Phase
    n_trials: int
    most_epochs: int
    expected_epochs: float
    seconds: float
    disk_bytes: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    arms: tuple[str, ...]
    phases: tuple[PhasePlan, ...]
    n_slots: int
    feature_bytes: int  # of the cache, for all front ends; made once
    n_gpus: float = 0.0  # that the trials at a time keep busy
    power: tuple["Resolution", ...] = ()  # what the hypotheses can resolve, a part and metric each
    probed: tuple[ProbedArms, ...] = ()  # what an epoch costs, if it was measured

    @property
    def n_trials(self) -> int:
        return sum(phase.n_trials for phase in self.phases)

    @property
    def expected_epochs(self) -> float:
        return sum(phase.expected_epochs for phase in self.phases)

    @property
    def seconds(self) -> float:
        return sum(phase.seconds for phase in self.phases)

    @property
    def hours(self) -> float:
        return self.seconds / 3600

    @property
    def gpu_hours(self) -> float:
        return self.hours * self.n_gpus

    @property
    def disk_bytes(self) -> int:
        return sum(phase.disk_bytes for phase in self.phases)


def make_plan(
    study: Study,
    *,
    n_clips: Mapping[Split, int],
    clip_seconds: float,
    n_slots: int,
    n_tags: int = N_TAGS,
    speed: Speed = CPU_SPEED,
    measured: Mapping[str, Measured] | None = None,
) -> Plan:
    """The cost of a study on a corpus of that size with `n_slots` trials at a time. `measured`: by cost key; other
    configurations are estimated by `speed`."""
    measured = measured or {}
    cost = _Cost(
        n_clips=n_clips, clip_seconds=clip_seconds, n_tags=n_tags, n_slots=n_slots, speed=speed, measured=measured
    )
    phases = (*([_tune_phase(study, cost)] if study.tune else []), _confirm_phase(study, cost))
    front_ends = {MODELS[name].front_end for name in models_of(study)}
    bytes_per_second = sum(front_end.bytes_per_second for front_end in front_ends)
    feature_bytes = round(sum(n_clips.values()) * clip_seconds * bytes_per_second)
    return Plan(
        arms=study.confirm_arms,
        phases=phases,
        n_slots=n_slots,
        feature_bytes=feature_bytes,
        probed=by_cost(study, measured, epoch_seconds=lambda config: cost.config_seconds(config, ())),
    )


def predict(
    study: Study,
    *,
    n_slots: int | None = None,
    gpus_per_trial: float | None = None,
    storage: Path | None = None,
    measured: Mapping[str, Measured] | None = None,
) -> Plan:
    """The plan on the corpus that the study names, on this machine: at the size that corpus is known to have, or that
    its label file tells (then CorpusError if it cannot be read). Raises StudyError if the corpus is known to have clips
    shorter than a model's chunks and the study does not repeat them.

    `n_slots`: trials at a time; by default as many as there are cores, or as a GPU holds at `gpus_per_trial`, four if
    that is None; 0 means that trials run on the CPU. `storage`: where earlier runs
    may be, whose replicates tell how much scores scatter. `measured`: see make_plan."""
    share = 1 / TRIALS_PER_GPU if gpus_per_trial is None else gpus_per_trial
    on_gpu = has_gpu() and share > 0
    n_slots = n_slots or (max(1, int(1 / share + 1e-9)) if on_gpu else os.cpu_count() or 1)
    size = size_of(study)
    plan = make_plan(
        study,
        n_clips={"train": size.train, "valid": size.valid, "test": size.test},
        clip_seconds=size.clip_seconds,
        n_tags=size.n_tags,
        n_slots=n_slots,
        speed=GPU_SPEED if on_gpu else CPU_SPEED,
        measured=measured,
    )
    plan = replace(plan, n_gpus=n_slots * share if on_gpu else 0.0)
    if not study.hypotheses:
        return plan
    from tagsearch.study.resolution import resolve  # scipy.special takes as long to import as all else of a plan

    return replace(plan, power=resolve(study, n_artists=size.test_artists, storage=storage))


def size_of(study: Study) -> CorpusSize:
    """Of the study's corpus. Raises what `predict` raises."""
    corpus = corpus_entry(str(study.data["corpus"]))
    size = corpus.size({name: study.data[name] for name in corpus.knobs})
    if corpus.sizes:  # else the length of its clips is a guess
        check_chunks(study, clip_seconds=size.clip_seconds)
    return size


def forward_seconds(config: Config, speed: Speed) -> float:
    """Of one chunk, by estimate."""
    return speed.forward_seconds(MODELS[str(config["model"])]) * _scale(config, ())


def step_seconds(config: Config, speed: Speed) -> float:
    """Of a training step, by estimate."""
    return speed.seconds_per_step + int(config["batch_size"]) * BACKWARD_COST * forward_seconds(config, speed)


def clip_chunks(config: Config, tunables: Sequence[Tunable], *, clip_seconds: float) -> int:
    """Chunks that cover a clip in validation."""
    return ceil(clip_seconds / longest_chunk(config, tunables))


@dataclass(frozen=True, kw_only=True)
class _Cost:
    n_clips: Mapping[Split, int]
    clip_seconds: float
    n_tags: int
    n_slots: int
    speed: Speed
    measured: Mapping[str, Measured]

    def epoch_seconds(self, arm: Arm, tunables: Sequence[Tunable]) -> float:
        """One epoch with its validation, averaged over the models and widths that may be drawn in the arm."""
        models = _drawn(tunables, "model", arm.config) or (arm.config["model"],)
        seconds = [self.config_seconds(changed(arm.config, {"model": model}), tunables) for model in models]
        return sum(seconds) / len(seconds)

    def config_seconds(self, config: Config, tunables: Sequence[Tunable]) -> float:
        """One epoch with its validation, averaged over the widths that may be drawn."""
        n_steps = ceil(self.n_clips["train"] / int(config["batch_size"]))
        n_chunks = self.n_clips["valid"] * clip_chunks(config, tunables, clip_seconds=self.clip_seconds)
        found = self.measured.get(cost_key(config))
        if found is not None:
            seconds = n_steps * found.seconds_per_step + n_chunks * found.seconds_per_chunk
            return seconds * _scale(config, tunables) / _scale(config, ())
        n_forwards = BACKWARD_COST * self.n_clips["train"] + n_chunks
        forward = self.speed.forward_seconds(MODELS[str(config["model"])]) * _scale(config, tunables)
        return n_steps * self.speed.seconds_per_step + n_forwards * forward

    def wall_seconds(self, trial_seconds: Sequence[float]) -> float:
        """Trials over slots: never less than the longest trial."""
        longest = max(trial_seconds, default=0.0)
        return START_SECONDS + max(longest, sum(trial_seconds) / self.n_slots)


def _scale(config: Config, tunables: Sequence[Tunable]) -> float:
    """Time of a chunk's forward pass at the widths and the chunk length of `config`, as a multiple of the defaults'."""
    model = MODELS[str(config["model"])]
    length = longest_chunk(config, tunables) / model.default_chunk_seconds
    name = f"model.{model.macs_knob}"
    widths = _drawn(tunables, name, config) or (config[name],)
    standard = float(model.knobs[model.macs_knob].default)
    return length * sum(pow(float(width) / standard, WIDTH_EXPONENT) for width in widths) / len(widths)


def _drawn(tunables: Sequence[Tunable], name: str, config: Config) -> tuple[Scalar, ...]:
    """The values a setting may be drawn from, equally likely, the middle of a range standing for it; empty if it is
    not tuned under `config`."""
    tuned = next((t for t in tunables if t.name == name and t.applies(config)), None)
    if tuned is None or tuned.kind == "choice":
        return tuned.choices if tuned else ()
    if tuned.kind in ("loguniform", "lograndint"):
        return (exp((log(tuned.low) + log(tuned.high)) / 2),)
    return ((tuned.low + tuned.high) / 2,)


def _tune_phase(study: Study, cost: _Cost) -> PhasePlan:
    assert study.tune is not None
    n, most, expected, seconds = study.tune.trials_per_arm, 0, 0.0, []
    for arm in study.tune_arms:
        budgets = _budgets(arm, study.tune.tunables)
        most += n * max(budgets)
        epochs = sum(expected_epochs(n / len(budgets), budget, study.tune.asha) for budget in budgets)
        expected += epochs
        seconds += [epochs / n * cost.epoch_seconds(arm, study.tune.tunables)] * n
    n_trials = n * len(study.tune_arms)
    return PhasePlan(
        phase="tune",
        n_trials=n_trials,
        most_epochs=most,
        expected_epochs=expected,
        seconds=cost.wall_seconds(seconds),
        disk_bytes=n_trials * (CHECKPOINT_BYTES + LOG_BYTES),
    )


def _confirm_phase(study: Study, cost: _Cost) -> PhasePlan:
    """Every arm at its full budget; what a search may choose is taken at its longest."""
    tunables = study.tune.tunables if study.tune else ()
    epochs, seconds = 0, []
    for name in study.confirm_arms:
        is_winner = name not in study.by_name  # of a pure search
        arm = study.baseline if is_winner else study.by_name[name]
        budget = max(_budgets(arm, tunables)) if is_winner or study.design != "search" else int(arm.config["epochs"])
        drawn = tunables if is_winner else ()
        epochs += budget * study.confirm.seeds
        seconds += [budget * cost.epoch_seconds(arm, drawn)] * study.confirm.seeds
    n_trials = len(study.confirm_arms) * study.confirm.seeds
    n_scores = (cost.n_clips["valid"] + cost.n_clips["test"]) * cost.n_tags * (1 + len(study.snapshots))
    return PhasePlan(
        phase="confirm",
        n_trials=n_trials,
        most_epochs=epochs,
        expected_epochs=float(epochs),
        seconds=cost.wall_seconds(seconds),
        disk_bytes=n_trials * (CHECKPOINT_BYTES * (1 + len(study.snapshots)) + LOG_BYTES + n_scores * SCORE_BYTES),
    )


def _budgets(arm: Arm, tunables: Sequence[Tunable]) -> tuple[int, ...]:
    """The epoch budgets an arm's trials may have, equally likely."""
    drawn = _drawn(tunables, "epochs", arm.config) or (arm.config["epochs"],)
    return tuple(round(float(epochs)) for epochs in drawn)
