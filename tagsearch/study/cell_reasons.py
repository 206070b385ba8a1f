"""Why a trial of an earlier run does not stand for one of a study, in the words that a user reads; see `cells`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tagsearch.errors import RecordError
from tagsearch.records import Config, Phase, State, Trial, TrialSpec
from tagsearch.study.data import repeats_short_clips
from tagsearch.study.schema import Arm, Study
from tagsearch.study.trained_by import TrainedBy, difference, named, read_trained_by

RESULTS: Mapping[Phase, tuple[State, ...]] = {
    "tune": (State.COMPLETED, State.STOPPED, State.DIVERGED),
    "confirm": (State.COMPLETED, State.DIVERGED),
}
Now = Callable[[Config], TrainedBy]  # by what a configuration would be trained now


def unusable(trial: Trial, now: Now) -> str:
    """Why a trial of the same place does not stand for one that would be trained now; empty if it does."""
    if trial.result is None:
        return "not finished there"
    if trial.state not in RESULTS[trial.spec.phase]:
        return f"{trial.state} there"
    try:
        by = read_trained_by(trial.folder)
        if trial.result.scores_sha256:
            trial.scores("test")
        trial.reads()
    except RecordError:
        return "damaged there"
    if not by:
        return "an older tagsearch did not note by what code it was trained"
    if len(by) > 1:
        return "its code changed there while it was trained"
    return difference(now(trial.spec.config), by[0])


def tuned_otherwise(study: Study, other: Study, arm: Arm) -> str:
    """Why an arm's tune trials are not those of a study before; empty if they are."""
    if other.tune is None:
        return "nothing was tuned there"
    before = {one.name: one for one in other.tune_arms}.get(arm.name)
    if before is None:
        return _no_arm(arm.config, other.tune_arms)
    if before.config != arm.config:
        return _changes(arm.config, before.config)
    return _other_rules(_tune_rules(study), _tune_rules(other))


def confirmed_otherwise(study: Study, other: Study) -> str:
    """Why no confirm trial of a study stands for one of another; empty if they may."""
    return _other_rules(_rules(study), _rules(other))


def confirmed_otherwise_anyway(study: Study, other: Study, arm: str) -> str:
    """Why no confirm trial of an arm can be one of another study's, whatever tuning chooses; empty if it may."""
    if arm not in other.confirm_arms:
        return _not_there(study, arm, other)
    if not (arm in study.by_name and arm in other.by_name):
        return confirmed_otherwise(study, other)  # a winner of a pure search is what it is
    tuned = {tunable.name for tunable in study.tune.tunables} if study.tune else set()
    now, then = (
        {name: value for name, value in one.by_name[arm].config.items() if name not in tuned} for one in (study, other)
    )
    return confirmed_otherwise(study, other) or _changes(now, then)


def not_confirmed(study: Study, spec: TrialSpec, other: Study, own: Sequence[TrialSpec]) -> str:
    """Why a study's confirm trial is not among those `own` that another study has of the arm; empty if it was planned
    there and is lacking."""
    if spec.arm not in other.confirm_arms:
        return _not_there(study, spec.arm, other)
    of_seed = next((one for one in own if one.seed == spec.seed), None)
    if of_seed is None:
        return "" if spec.seed in other.confirm_seeds else "more seeds"
    odd = {name for name in {*spec.config, *of_seed.config} if spec.config.get(name) != of_seed.config.get(name)}
    tuned = {tunable.name for tunable in study.tune.tunables} if study.tune else set()
    changes = _changes(spec.config, of_seed.config) or "in another place there"
    return f"tuning chose another configuration: {changes}" if odd and odd <= tuned else changes


def _not_there(study: Study, arm: str, other: Study) -> str:
    return _no_arm(study.by_name[arm].config, other.arms) if arm in study.by_name else "new arm"


def _no_arm(config: Config, others: Sequence[Arm]) -> str:
    alike = next((arm.name for arm in others if arm.config == config), None)
    return "new arm" if alike is None else f"new arm; {alike} is the same there, and only a trial of its name counts"


def _rules(study: Study) -> dict[str, Any]:
    """What decides every trial of a study alike, by its name in the study file."""
    return {
        "objective": study.objective,
        "checkpoint": study.checkpoint,
        "stop": asdict(study.stop),
        "snapshots": study.snapshots,
        "seed": study.seed,  # of which all others are made
        "pad": "repeat" if repeats_short_clips(study.data) else "refuse",
        "sample_rate": study.data.get("sample_rate"),  # that audio is read at; no corpus's fingerprint holds it
    }


def _tune_rules(study: Study) -> dict[str, Any]:
    """Those of a tune trial, and what decides what is proposed to an arm and when it is stopped."""
    assert study.tune is not None
    tune = asdict(study.tune)
    del tune["trials_per_arm"]
    rules = {name: rule for name, rule in _rules(study).items() if name != "snapshots"}
    return rules | tune | ({"design": study.design} if study.design == "search" else {})


def _other_rules(now: Mapping[str, Any], then: Mapping[str, Any]) -> str:
    odd = [name for name in {**now, **then} if now.get(name) != then.get(name)]
    if not odd:
        return ""
    return f"another {named([_change(name, now.get(name), then.get(name)) for name in odd])}"


def _changes(now: Config, then: Config) -> str:
    """ "epochs 40, was 20; lr 0.01, was 0.03"."""
    odd = [name for name in {**now, **then} if now.get(name) != then.get(name)]
    return named([_change(name, now.get(name), then.get(name)) for name in odd])


def _change(name: str, now: object, then: object) -> str:
    if not (_is_short(now) and _is_short(then)):
        return name
    return f"{name} {_shown(now)} (was {_shown(then)})"


def _is_short(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _shown(value: object) -> str:
    return "none" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
