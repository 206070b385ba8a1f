"""Which components can meet in a trial of an arm, and which should not; and whether its batches suit the model.

Pairs that cannot work are an error; pairs that do something twice are a warning, since that may be the question.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tagsearch.registry import COMPONENTS, Scalar, entry, model_entry
from tagsearch.study.schema import Arm, Study, Tunable

Chosen = Mapping[str, str]  # component kind -> name


def reachable(arm: Arm, tunables: Sequence[Tunable]) -> list[Chosen]:
    """Every combination of components that a trial of the arm may have. `tunables` are in the order of drawing; a
    condition on anything but a component is taken to hold in some trials and not in others."""
    found: list[Chosen] = [{kind: str(arm.config[kind]) for kind in COMPONENTS}]
    for tunable in tunables:
        if tunable.name in COMPONENTS:
            found = [combination for chosen in found for combination in _drawn(tunable, chosen)]
    return found


def _drawn(tunable: Tunable, chosen: Chosen) -> Iterator[Chosen]:
    if not _always_applies(tunable, chosen):
        yield chosen
    if _may_apply(tunable, chosen):
        yield from ({**chosen, tunable.name: str(choice)} for choice in tunable.choices)


def _may_apply(tunable: Tunable, chosen: Chosen) -> bool:
    return all(chosen[kind] in values for kind, values in tunable.when.items() if kind in COMPONENTS)


def _always_applies(tunable: Tunable, chosen: Chosen) -> bool:
    return _may_apply(tunable, chosen) and tunable.when.keys() <= COMPONENTS.keys()


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """What cannot work together: the setting that asks for something else, its value, and what to tell of it."""

    setting: str
    value: Scalar
    text: str


def find_misfit(arms: Iterable[Arm], tunables: Sequence[Tunable]) -> Misfit | None:
    """The first pair that may meet in a trial and does not fit; None if all fit."""
    for arm in arms:
        for chosen in reachable(arm, tunables):
            if found := _misfit_of(chosen) or _too_small_batch(chosen, _smallest_batch(chosen, arm, tunables)):
                return replace(found, text=f"{found.text} (arm {arm.name!r})")
    return None


def _misfit_of(chosen: Chosen) -> Misfit | None:
    parts = {kind: entry(kind, name) for kind, name in chosen.items()}
    front_ends, heard = parts["augment"].needs_front_end, model_entry(chosen["model"]).front_end.kind
    if front_ends and heard not in front_ends:
        return Misfit(
            setting="augment",
            value=chosen["augment"],
            text=f"augment {chosen['augment']!r} works on {' or '.join(front_ends)} chunks, and model "
            f"{chosen['model']!r} hears {heard}; choose another augment for it, or keep the two apart by `when:`",
        )
    optimizers = parts["schedule"].needs_optimizer
    if optimizers and chosen["optimizer"] not in optimizers:
        return Misfit(
            setting="schedule",
            value=chosen["schedule"],
            text=f"schedule {chosen['schedule']!r} begins with optimizer {' or '.join(optimizers)}, "
            f"not {chosen['optimizer']!r}; set `optimizer: {optimizers[0]}`",
        )
    return None


def _smallest_batch(chosen: Chosen, arm: Arm, tunables: Sequence[Tunable]) -> int:
    """The smallest batch that a trial of these components may have."""
    own = int(arm.config["batch_size"])
    tuned = next((t for t in tunables if t.name == "batch_size" and _may_apply(t, chosen)), None)
    if tuned is None:
        return own
    drawn = min((int(choice) for choice in tuned.choices), default=int(tuned.low))
    return drawn if _always_applies(tuned, chosen) else min(drawn, own)


def _too_small_batch(chosen: Chosen, n_clips: int) -> Misfit | None:
    needed = model_entry(chosen["model"]).min_batch
    if n_clips >= needed:
        return None
    return Misfit(
        setting="batch_size",
        value=n_clips,
        text=f"model {chosen['model']!r} trains on batches of at least {needed} clips, not batch_size {n_clips}: its "
        f"batch norm has one value a clip; set batch_size to {needed} or more",
    )


def double_corrections(study: Study) -> tuple[str, ...]:
    """A sentence for each arm and pair of a sampler and a loss that both correct for the frequency of tags."""
    tunables = study.tune.tunables if study.tune else ()
    sentences = []
    for arm in study.tune_arms:
        combinations = reachable(arm, tunables)
        doubles = [chosen for chosen in combinations if _corrects_twice(chosen)]
        verb = "corrects" if len(doubles) == len(combinations) else "may correct"
        for sampler, loss in dict.fromkeys((chosen["sampler"], chosen["loss"]) for chosen in doubles):
            sentences.append(
                f"arm {arm.name} {verb} for tag frequency twice: sampler {sampler} and loss {loss}; "
                "drop one of them, unless both together are the question"
            )
    return tuple(sentences)


def _corrects_twice(chosen: Chosen) -> bool:
    return all(entry(kind, chosen[kind]).corrects_frequency for kind in ("sampler", "loss"))
