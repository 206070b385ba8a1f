"""Where confirm trials come from: those that a run took over from an earlier one, and by what code they were trained.

The scores of a trial that was taken over (tagsearch.study.adopted) were known when the run was registered. So

    a comparison of known scores alone    decides nothing (exploratory), unless the very claim was registered, on the
                                          same arms, before these scores were there; then grade B at most
    some arms known, others not           grade B at most: the rivals were chosen, or left as they were, knowing these
    known and new seeds in one arm        grade B at most, and a second look: alpha is that of an extension that was
                                          not declared
    none known                            nothing

A trial that says it was taken over and does not hold together with what the run says of its origin decides nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from analysis.rundata import RunData
from analysis.verdict.deviation import Deviation
from analysis.verdict.words import listed
from tagsearch.errors import RecordError
from tagsearch.records import Trial
from tagsearch.study.adopted import Origin, complaint, read_adopted, read_reuse
from tagsearch.study.lock import is_intact
from tagsearch.study.schema import Contrast, Hypothesis
from tagsearch.study.trained_by import TrainedBy, differing, named, read_trained_by


@dataclass(frozen=True, kw_only=True)
class _Known:
    """The confirm trials of a run that were taken over, and how many others there are of the same arms."""

    runs: tuple[str, ...]  # that they were taken from
    trials: Mapping[str, Sequence[Trial]]  # by arm; no arm without one
    n_new: Mapping[str, int]

    def is_known(self, contrast: Contrast) -> bool:
        """Whether nothing was left to be seen of it."""
        return all(arm in self.trials and not self.n_new[arm] for arm in contrast.weights)

    @property
    def mixed(self) -> tuple[str, ...]:
        return tuple(arm for arm in self.trials if self.n_new[arm])


def of_origin(run: RunData) -> Iterator[Deviation]:
    """What was taken over, and what that leaves of each hypothesis."""
    try:
        origins = read_reuse(run.folder)
    except RecordError as error:
        yield Deviation(text=f"it is not known what was taken over: {error}", cap="exploratory")
        return
    yield from _complaints(run, origins)
    known = _known(run)
    for hypothesis in run.study.hypotheses:
        yield from _known_to(hypothesis, known, run, origins)


def is_second_look(run: RunData) -> bool:
    """Whether seeds were added to scores that were known, or these were a second look already."""
    known = _known(run)
    if not known.trials:
        return False
    try:
        return bool(known.mixed) or any(origin.extended for origin in read_reuse(run.folder))
    except RecordError:
        return True


def of_code(run: RunData) -> Iterator[Deviation]:
    """Told, and no more: seeds of all arms progress alike, so that a change in between meets all of them."""
    found: list[TrainedBy] = []
    for trial in run.confirm:
        try:
            found += read_trained_by(trial.folder)
        except RecordError as error:
            yield Deviation(text=f"by what code it was trained is not known: {error}", cap=None, arms=(trial.spec.arm,))
    if odd := differing(*found):
        yield Deviation(text=f"confirm trials were trained by different code or machines: {named(list(odd))}", cap=None)


def _complaints(run: RunData, origins: Sequence[Origin]) -> Iterator[Deviation]:
    arms: dict[str, list[str]] = {}  # by complaint, an arm for each trial
    for trial in run.confirm:
        try:
            wrong = complaint(trial.folder, origins)
        except RecordError as error:
            wrong = f"taken over, but from where is not known: {error}"
        if wrong:
            arms.setdefault(wrong, []).append(trial.spec.arm)
    for wrong, own in arms.items():
        of = f"of {listed(tuple(dict.fromkeys(own)))}"
        which = f"{len(own)} trials {of} are" if len(own) > 1 else f"1 trial {of} is"
        yield Deviation(text=f"{which} {wrong}", cap="exploratory", arms=tuple(dict.fromkeys(own)))


def _known(run: RunData) -> _Known:
    taken: dict[str, list[Trial]] = {}
    runs: dict[str, None] = {}
    for trial in run.confirm:
        try:
            adopted = read_adopted(trial.folder)
        except RecordError:
            continue  # a complaint tells it
        if adopted is not None:
            taken.setdefault(trial.spec.arm, []).append(trial)
            runs[adopted.run] = None
    n_new = {arm: sum(trial.spec.arm == arm for trial in run.confirm) - len(own) for arm, own in taken.items()}
    return _Known(runs=tuple(runs), trials=taken, n_new=n_new)


def _known_to(hypothesis: Hypothesis, known: _Known, run: RunData, origins: Sequence[Origin]) -> Iterator[Deviation]:
    contrasts = [contrast for part in hypothesis.parts for contrast in part.contrasts]
    arms = tuple(dict.fromkeys(arm for contrast in contrasts for arm in contrast.weights))
    taken = tuple(arm for arm in arms if arm in known.trials)
    if not taken:
        return
    from_runs = f"taken over from {listed(known.runs)}"
    new = tuple(arm for arm in arms if arm not in known.trials)
    text = f"the scores of {listed(taken)} were known when this was registered ({from_runs})"
    decided = [contrast.name for contrast in contrasts if known.is_known(contrast)]
    if decided and not _registered_before(hypothesis, known, run, origins):
        yield Deviation(text=text, cap="exploratory", arms=taken, claims=(hypothesis.id,))
        return
    if mixed := tuple(arm for arm in known.mixed if arm in arms):
        text = f"{text}, new seeds of {listed(mixed)} added to them: a second look"
    elif decided:
        text = f"{text}; the claim had been registered before them"
    elif new:
        text = f"{text}; those of {listed(new)} were not"
    yield Deviation(text=text, cap="B", arms=taken, claims=(hypothesis.id,))


def _registered_before(hypothesis: Hypothesis, known: _Known, run: RunData, origins: Sequence[Origin]) -> bool:
    """Whether an origin had registered the very claim, on the same arms and by the same rules, before the scores."""
    trials = [trial for arm in _arms(hypothesis) for trial in known.trials.get(arm, ())]
    return any(_registers(origin, hypothesis, run, trials) for origin in origins)


def _registers(origin: Origin, hypothesis: Hypothesis, run: RunData, trials: Sequence[Trial]) -> bool:
    if run.lock is None or not (is_intact(run.lock) and is_intact(origin.lock)):
        return False
    now, content = run.lock["content"], origin.lock["content"]
    rules = ("objective", "checkpoint", "stop", "snapshots", "pad", "corpus")
    same_rules = all(content.get(name) == now.get(name) for name in rules)
    all_seeds = set(content.get("confirm_seeds", ())) <= set(now["confirm_seeds"])  # none picked out
    same_arms = all(content.get("arms", {}).get(arm) == now["arms"].get(arm) for arm in _arms(hypothesis))
    same_claim = json.loads(json.dumps(asdict(hypothesis))) in content.get("hypotheses", ())
    is_older = _is_older(str(origin.lock.get("registered")), trials)
    return same_rules and all_seeds and same_arms and same_claim and is_older


def _is_older(registered: str, trials: Sequence[Trial]) -> bool:
    try:
        time = datetime.fromisoformat(registered)
        return all(datetime.fromisoformat(one.time) >= time for trial in trials for one in trial.reads())
    except (RecordError, ValueError, TypeError):
        return False


def _arms(hypothesis: Hypothesis) -> tuple[str, ...]:
    return tuple(dict.fromkeys(arm for part in hypothesis.parts for arm in part.arms))
