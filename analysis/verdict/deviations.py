"""What differs from the plan that was registered before the first trial, and what a verdict may still claim.

    exploratory   nothing was registered, or what is judged is not what was: it may have been chosen by the scores;
                  or seeds are no replicates
    B             the test split was looked at more often than planned, or not all that was planned was done

The registration is lock.json (tagsearch.study.lock), the readings of the test split are in each trial's ledger
(tagsearch.readings), the second look is extension.json (tagsearch.study.extension). Trials that were taken over from
another run are looked at in `origins`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from analysis.rundata import Pooled, RunData
from analysis.verdict import origins
from analysis.verdict.deviation import Cap, Deviation
from analysis.verdict.gates import Grade
from analysis.verdict.judgement import HypothesisVerdict
from analysis.verdict.outcomes import Verdict
from analysis.verdict.words import listed
from tagsearch.errors import RecordError
from tagsearch.readings import Reading, first_reading, second_readings
from tagsearch.records import FINAL, State, Trial
from tagsearch.study.lock import VERSION, changes, is_intact, make_lock, read_before
from tagsearch.study.trials import chosen_configs, confirm_trials

Ledgers = Sequence[tuple[Trial, Sequence[Reading]]]


def find(run: RunData) -> tuple[Deviation, ...]:
    """Everything that differs from the plan, the gravest first.

    Readings are looked up on disk, in the ledgers of the confirm trials. Runs that are combined bear what each of them
    bears, and that nobody planned to pool them."""
    found = _pooled(run.pooled) if run.pooled else _of_one_run(run)
    return tuple(sorted(found, key=lambda deviation: deviation.cap != "exploratory"))


def _pooled(pooled: Pooled) -> Iterator[Deviation]:
    yield Deviation(text=f"pooled after the fact from {len(pooled.runs)} runs", cap="B")
    for name, run in pooled.runs.items():
        for one in _of_one_run(run):
            yield replace(one, text=f"{name}: {one.text}")


def _of_one_run(run: RunData) -> tuple[Deviation, ...]:
    ledgers, damaged = _ledgers(run)
    return (
        *_of_registration(run),
        *_settings(run),
        *_copies(run),
        *_earlier_runs(run),
        *_extension(run),
        *damaged,
        *_second_readings(ledgers),
        *_unnoted_readings(run, ledgers),
        *_checkpoints(run, ledgers),
        *_extra_seeds(run),
        *_missing_arms(run),
        *origins.of_origin(run),
        *_versions(run),
        *origins.of_code(run),
    )


def concerning(found: Sequence[Deviation], arms: Sequence[str], *, claim: str | None = None) -> tuple[Deviation, ...]:
    """Those that a comparison of these arms must bear, as part of the hypothesis `claim` if of any."""
    ours = [one for one in found if claim is None or not one.claims or claim in one.claims]
    return tuple(one for one in ours if not one.arms or set(one.arms) & set(arms))


def cap(found: Sequence[Deviation]) -> Cap | None:
    """The lowest of their caps."""
    caps = {one.cap for one in found}
    return "exploratory" if "exploratory" in caps else "B" if "B" in caps else None


def capped(grade: Grade, found: Sequence[Deviation]) -> Grade:
    """The grade that is left. An exploratory verdict keeps the grade of its scores, and decides nothing."""
    return "B" if grade == "A" and cap(found) == "B" else grade


def as_far_as_registered(judged: HypothesisVerdict, found: Sequence[Deviation]) -> HypothesisVerdict:
    """A claim that was not registered before the scores were there is never confirmed or refuted, whatever they say."""
    if cap(found) != "exploratory":
        return judged
    why = "; ".join(one.text for one in found if one.cap == "exploratory")
    reason = f"Exploratory: {why}. By the rule alone it would be {judged.verdict}. {judged.reason}"
    next_step = "To decide it, register it: run the study anew."
    return replace(judged, verdict=Verdict.INCONCLUSIVE, basis="exploratory", reason=reason, next_step=next_step)


# --- registration ----------------------------------------------------------------------------------------------------


def registration(run: RunData) -> str:
    """Whether what is judged is what was registered before the run, in one sentence."""
    lock = run.lock
    if complaints := list(_of_registration(run)):
        told = "; ".join(one.text for one in complaints)
        return f"{told[0].upper()}{told[1:]}; the verdicts are exploratory."
    assert lock is not None
    then, now = lock["content"], make_lock(run.study, run.corpus)["content"]
    unnamed = sorted(key for key in now if now[key] != then.get(key))
    newer = f"; it does not name every setting there is now of: {', '.join(unnamed)}" if unnamed else ""
    time = f" ({lock['registered']})" if "registered" in lock else ""
    return f"Registered before the run as {lock['sha256'][:12]}{time}, unchanged{newer}."


def _of_registration(run: RunData) -> Iterator[Deviation]:
    if run.lock is None:
        yield Deviation(text="nothing was registered before this run", cap="exploratory")
    elif not is_intact(run.lock):
        yield Deviation(text="the registration (lock.json) is damaged or was changed by hand", cap="exploratory")
    elif run.lock.get("version") != VERSION:
        version = run.lock.get("version")
        text = (
            f"the registration (lock.json) is of version {version}, and this tagsearch compares version {VERSION} only"
        )
        yield Deviation(text=text, cap="exploratory")
    elif _is_late(run, run.lock):
        yield Deviation(text="it was registered after its test split had been read", cap="exploratory")
    else:
        yield from _changes(run, run.lock)


def _is_late(run: RunData, lock: Mapping[str, Any]) -> bool:
    """Whether the registration is younger than the first reading: one of another run, put here later."""
    try:
        registered = datetime.fromisoformat(lock.get("registered", ""))
        return (first_reading(run.folder, split="test") or registered) < registered
    except (TypeError, ValueError):
        return False  # an older tagsearch noted no time


def _changes(run: RunData, lock: Mapping[str, Any]) -> Iterator[Deviation]:
    if changed := changes(lock, run.study, run.corpus):
        yield Deviation(text=f"changed since it was registered: {', '.join(changed)}", cap="exploratory")


def _settings(run: RunData) -> Iterator[Deviation]:
    """Trials of other settings than those that the tune phase chooses by the study's rule. Of an arm whose tune trials
    are gone nothing can be told here; gate G4 tells it."""
    chosen = chosen_configs(run.study, run.tune)
    planned = {spec.name for spec in confirm_trials(run.study, chosen, run.confirm_seeds)}
    ours = [trial.spec for trial in run.confirm if trial.spec.arm in chosen and trial.spec.seed in run.confirm_seeds]
    if odd := tuple(dict.fromkeys(spec.arm for spec in ours if spec.name not in planned)):
        rule = "its tune phase chose" if run.study.tune else "the study declares"
        yield Deviation(text=f"trials of {listed(odd)} have other settings than {rule}", cap="exploratory", arms=odd)


def _copies(run: RunData) -> Iterator[Deviation]:
    """Seeds that ended with the very same weights, for whatever reason: their spread is no spread."""
    weights: dict[str, list[str]] = {}
    for trial in run.confirm:
        if trial.state is State.COMPLETED and trial.result and FINAL in trial.result.weights_sha256:
            weights.setdefault(trial.spec.arm, []).append(trial.result.weights_sha256[FINAL])
    if alike := tuple(arm for arm, found in weights.items() if len(set(found)) < len(found)):
        text = f"seeds of {listed(alike)} ended with the very same weights: they are no replicates"
        yield Deviation(text=text, cap="exploratory", arms=alike)


# --- looks at the test split -----------------------------------------------------------------------------------------


def _earlier_runs(run: RunData) -> Iterator[Deviation]:
    lock = run.lock or {}
    noted = lock.get("earlier")
    earlier = dict.fromkeys(map(str, noted if isinstance(noted, list) else ()))
    if is_intact(lock):
        earlier |= dict.fromkeys(read_before(run.folder, lock["content"]))
    if earlier:
        nth = _ordinal(len(earlier) + 1)
        text = f"this is the {nth} run of these hypotheses on this test split, after {', '.join(earlier)}"
        yield Deviation(text=text, cap="B")


def _ordinal(n: int) -> str:
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def _extension(run: RunData) -> Iterator[Deviation]:
    declared = run.study.confirm.extension
    if run.extension is None or run.extension.seeds == declared:
        return
    what = "which was not declared" if declared is None else f"where {declared} were declared"
    yield Deviation(text=f"adaptive: extended to {run.extension.seeds} seeds, {what}", cap="B")


def _ledgers(run: RunData) -> tuple[Ledgers, Sequence[Deviation]]:
    """The readings of every confirm trial, and a complaint for each ledger that cannot be read."""
    ledgers: list[tuple[Trial, Sequence[Reading]]] = []
    damaged: list[Deviation] = []
    for trial in run.confirm:
        try:
            ledgers.append((trial, trial.reads()))
        except RecordError as error:
            damaged.append(Deviation(text=f"a ledger cannot be read: {error}", cap="B", arms=(trial.spec.arm,)))
    return ledgers, damaged


def _second_readings(ledgers: Ledgers) -> Iterator[Deviation]:
    again: dict[tuple[str, str], dict[str, str]] = {}  # (split, checkpoint) -> trial -> arm
    for trial, reads in ledgers:
        for reading in second_readings(reads):
            again.setdefault((reading.split, reading.checkpoint), {})[trial.spec.name] = trial.spec.arm
    for (split, checkpoint), trials in again.items():
        text = f"second reading: {listed(tuple(trials))} met the {split} split with other weights as {checkpoint}"
        yield Deviation(text=text, cap="B", arms=tuple(dict.fromkeys(trials.values())))


def _unnoted_readings(run: RunData, ledgers: Ledgers) -> Iterator[Deviation]:
    """Scores that no ledger knows of. What was registered by an older tagsearch has no ledgers."""
    if run.lock is None or run.lock.get("version") != VERSION:
        return
    unnoted: Counter[str] = Counter()
    for trial, reads in ledgers:
        noted = {(reading.checkpoint, reading.weights_sha256) for reading in reads if reading.split == "test"}
        scored = trial.result.weights_sha256.items() if trial.result else ()
        unnoted[trial.spec.arm] += not noted.issuperset(scored)
    for n, arms in _by_count(unnoted):
        text = f"{_trials_of(n, arms)} test scores of weights whose reading is not in the ledger"
        yield Deviation(text=text, cap="B", arms=arms)


def _trials_of(n: int, arms: Sequence[str]) -> str:
    """ "1 trial of bce has", "2 trials each of bce and focal have"."""
    each = " each" if len(arms) > 1 else ""
    return f"{n} trial{'s' * (n > 1)}{each} of {listed(arms)} {'has' if n == 1 and not each else 'have'}"


def _by_count(counts: Mapping[str, int]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Arms that have as many of something, so that one sentence tells it; those that have none are left out."""
    for n in dict.fromkeys(n for n in counts.values() if n):
        yield n, tuple(arm for arm, own in counts.items() if own == n)


def _checkpoints(run: RunData, ledgers: Ledgers) -> Iterator[Deviation]:
    planned = {FINAL, *(f"epoch{epoch}" for epoch in run.study.snapshots)}
    scored = {name for trial in run.confirm if trial.result for name in trial.result.checkpoints}
    scored |= {reading.checkpoint for _, reads in ledgers for reading in reads}
    if unplanned := sorted(scored - planned):
        yield Deviation(text=f"checkpoints were scored that nobody planned: {', '.join(unplanned)}", cap="B")


# --- what was to be run ----------------------------------------------------------------------------------------------


def _extra_seeds(run: RunData) -> Iterator[Deviation]:
    extra = {}
    for arm in run.study.confirm_arms:
        done = {t.spec.seed for t in run.confirm if t.spec.arm == arm and t.state is State.COMPLETED}
        extra[arm] = len(done - set(run.confirm_seeds))
    for n, arms in _by_count(extra):
        seeds = f"{n} seed{'s' * (n > 1)}{' each' * (len(arms) > 1)}"
        text = f"{listed(arms)} {'have' if len(arms) > 1 else 'has'} {seeds} beyond the plan: looked at more than once"
        yield Deviation(text=text, cap="B", arms=arms)


def _missing_arms(run: RunData) -> Iterator[Deviation]:
    """Before the confirm phase nothing is missing yet."""
    there = {trial.spec.arm for trial in run.confirm}
    if there and (missing := tuple(arm for arm in run.study.confirm_arms if arm not in there)):
        has = "were planned and have" if len(missing) > 1 else "was planned and has"
        yield Deviation(text=f"{listed(missing)} {has} no confirm trial", cap="B", arms=missing)


def _versions(run: RunData) -> Iterator[Deviation]:
    """Told, and no more: the seeds of all arms progress alike, so that each version trained some of every arm."""
    found = dict.fromkeys(t.result.tagsearch for t in run.confirm if t.result and t.result.tagsearch)
    if len(found) > 1:
        yield Deviation(text=f"confirm trials were trained by tagsearch {listed(tuple(found))}", cap=None)
