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
from tagsearch.registry import MODELS, CorpusSize, Scalar, corpus_entry
from tagsearch.study.chunks import check_known_clips, longest_chunk, models_of
from tagsearch.study.measured import Measured, ProbedArms, by_cost, cost_key
from tagsearch.study.overrides import has_gpu
from tagsearch.study.schema import Arm, Study, Tunable
from tagsearch.study.settings import changed
from tagsearch.study.speed import BACKWARD_COST, CPU_SPEED, GPU_SPEED, WIDTH_EXPONENT, Speed
from tagsearch.study.stopping import expected_epochs

if TYPE_CHECKING:
    from tagsearch.study.resolution import Resolution

START_SECONDS = 10.0  # Ray and its first actors, once a phase
CHECKPOINT_BYTES = 2_000_000  # weights, optimizer and generator states of a small network
LOG_BYTES = 200_000  # records and TensorBoard events of a trial
N_TAGS = 50  # the field's usual number
TRIALS_PER_GPU = 4
SCORE_BYTES = 4  # a float32 logit
ToDo = Mapping[tuple[Phase, str], int]  # by phase and arm: trials to be trained, the others being another run's


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
    to_do: ToDo | None = None,
) -> Plan:
    """The cost of a study on a corpus of that size with `n_slots` trials at a time. `measured`: by cost key; other
    configurations are estimated by `speed`. `to_do`: of arms where not every trial is; disk is taken by all."""
    measured, to_do = measured or {}, to_do or {}
    cost = _Cost(
        n_clips=n_clips, clip_seconds=clip_seconds, n_tags=n_tags, n_slots=n_slots, speed=speed, measured=measured
    )
    phases = (*([_tune_phase(study, cost, to_do)] if study.tune else []), _confirm_phase(study, cost, to_do))
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
    gpu_there: bool | None = None,
    storage: Path | None = None,
    measured: Mapping[str, Measured] | None = None,
    to_do: ToDo | None = None,
) -> Plan:
    """The plan on the corpus that the study names, on this machine: at the size that corpus is known to have, or that
    its label file tells (then CorpusError if it cannot be read). Raises StudyError if the corpus is known to have clips
    shorter than a model's chunks and the study does not repeat them.

    `n_slots`: trials at a time; by default as many as there are cores, or as a GPU holds at `gpus_per_trial`, four if
    that is None; 0 means that trials run on the CPU. `storage`: where earlier runs
    may be, whose replicates tell how much scores scatter. `measured`, `to_do`: see make_plan."""
    share = 1 / TRIALS_PER_GPU if gpus_per_trial is None else gpus_per_trial
    on_gpu = (has_gpu() if gpu_there is None else gpu_there) and share > 0
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
        to_do=to_do,
    )
    plan = replace(plan, n_gpus=n_slots * share if on_gpu else 0.0)
    if not study.hypotheses:
        return plan
    from tagsearch.study.resolution import resolve  # scipy.special takes as long to import as all else of a plan

    return replace(plan, power=resolve(study, n_artists=size.test_artists, storage=storage))


def size_of(study: Study) -> CorpusSize:
    """Of the study's corpus. Raises what `predict` raises."""
    check_known_clips(study)
    corpus = corpus_entry(str(study.data["corpus"]))
    return corpus.size({name: study.data[name] for name in corpus.knobs})


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
        return START_SECONDS + max(*trial_seconds, sum(trial_seconds) / self.n_slots) if trial_seconds else 0.0


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


def _tune_phase(study: Study, cost: _Cost, to_do: ToDo) -> PhasePlan:
    assert study.tune is not None
    asha, n, n_new, most, expected, seconds = study.tune.asha, study.tune.trials_per_arm, 0, 0, 0.0, []
    for arm in study.tune_arms:
        budgets = _budgets(arm, study.tune.tunables)
        new = to_do.get(("tune", arm.name), n)
        n_new += new
        most += new * max(budgets)
        counts = [count / len(budgets) for count in (n, n - new)]  # those that are there make it harder for the others
        epochs = sum(expected_epochs(counts[0], b, asha) - expected_epochs(counts[1], b, asha) for b in budgets)
        expected += epochs
        seconds += [epochs / max(1, new) * cost.epoch_seconds(arm, study.tune.tunables)] * new
    return PhasePlan(
        phase="tune",
        n_trials=n_new,
        most_epochs=most,
        expected_epochs=expected,
        seconds=cost.wall_seconds(seconds),
        disk_bytes=n * len(study.tune_arms) * (CHECKPOINT_BYTES + LOG_BYTES),
    )


def _confirm_phase(study: Study, cost: _Cost, to_do: ToDo) -> PhasePlan:
    """Every arm at its full budget; what a search may choose is taken at its longest."""
    tunables = study.tune.tunables if study.tune else ()
    epochs, seconds = 0, []
    for name in study.confirm_arms:
        is_winner = name not in study.by_name  # of a pure search
        arm = study.baseline if is_winner else study.by_name[name]
        budget = max(_budgets(arm, tunables)) if is_winner or study.design != "search" else int(arm.config["epochs"])
        drawn, new = tunables if is_winner else (), to_do.get(("confirm", name), study.confirm.seeds)
        epochs += budget * new
        seconds += [budget * cost.epoch_seconds(arm, drawn)] * new
    n_trials = len(study.confirm_arms) * study.confirm.seeds
    n_scores = (cost.n_clips["valid"] + cost.n_clips["test"]) * cost.n_tags * (1 + len(study.snapshots))
    return PhasePlan(
        phase="confirm",
        n_trials=len(seconds),
        most_epochs=epochs,
        expected_epochs=float(epochs),
        seconds=cost.wall_seconds(seconds),
        disk_bytes=n_trials * (CHECKPOINT_BYTES * (1 + len(study.snapshots)) + LOG_BYTES + n_scores * SCORE_BYTES),
    )


def _budgets(arm: Arm, tunables: Sequence[Tunable]) -> tuple[int, ...]:
    """The epoch budgets an arm's trials may have, equally likely."""
    drawn = _drawn(tunables, "epochs", arm.config) or (arm.config["epochs"],)
    return tuple(round(float(epochs)) for epochs in drawn)
