"""Which components can meet in a trial of an arm, and which should not.

Pairs that cannot work are an error; pairs that do something twice are a warning, since that may be the question.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tagsearch.registry import COMPONENTS, entry
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
    on_components = {kind: values for kind, values in tunable.when.items() if kind in COMPONENTS}
    holds = all(chosen[kind] in values for kind, values in on_components.items())
    if not holds or len(on_components) < len(tunable.when):
        yield chosen
    if holds:
        yield from ({**chosen, tunable.name: str(choice)} for choice in tunable.choices)


def misfit(arms: Iterable[Arm], tunables: Sequence[Tunable]) -> str | None:
    """What to tell of the first augmentation that may meet a model whose front end it does not work on, or None."""
    for arm in arms:
        for chosen in reachable(arm, tunables):
            needed = entry("augment", chosen["augment"]).needs_front_end
            heard = entry("model", chosen["model"]).front_end
            if needed and heard not in needed:
                return (
                    f"augment {chosen['augment']!r} works on {' or '.join(needed)} chunks, and model "
                    f"{chosen['model']!r} hears {heard} (arm {arm.name!r}); choose another augment there, "
                    "in a tunable by `when: {model: ...}`"
                )
    return None


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
