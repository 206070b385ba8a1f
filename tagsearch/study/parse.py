"""A study file -> a Study, in two passes.

`read_study` first applies the profile and the overrides to the document (overrides.py), then reads every top-level key
by itself in the order of the file (`READERS` -> Draft: types, names, ranges), then puts them together (arms, tunables
and hypotheses against each other). So of several mistakes the first in the file is reported. The line of every value
travels with it (yaml_reader.Node); each mistake is a StudyError of one line:
`file:line: the rule, the value, the way on`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from dataclasses import field as default
from pathlib import Path
from typing import Any, Literal

from tagsearch.errors import RecordError, StudyError
from tagsearch.records import Config
from tagsearch.registry import OBJECTIVES, Knob, Scalar, did_you_mean
from tagsearch.study import fields, resolved
from tagsearch.study.arms import FACTOR_DESIGNS, base_config, explicit_arms, factor_arms
from tagsearch.study.component_checks import find_misfit
from tagsearch.study.confirm import check_confirm, read_confirm
from tagsearch.study.contrasts import Compared
from tagsearch.study.data import read_data
from tagsearch.study.hypotheses import ALPHA, DEFAULT_MARGINS, Context, read_hypotheses, read_margins
from tagsearch.study.levels import Factors, read_arms, read_factors, read_matches
from tagsearch.study.overrides import apply_changes, read_overrides, with_profile
from tagsearch.study.resolved import write_resolved
from tagsearch.study.schema import Arm, ClaimMetric, Confirm, Design, Stop, Study, Tunable, Tune
from tagsearch.study.settings import Changes, read_changes
from tagsearch.study.shipped import find_study
from tagsearch.study.tunable_checks import check_tunables
from tagsearch.study.tunables import WrittenTune, read_tune
from tagsearch.study.yaml_reader import Node, read_source, read_yaml

__all__ = ["changed_document", "find_study", "read_resolved", "read_study", "write_resolved"]

DESIGNS = (*FACTOR_DESIGNS, "explicit", "search")
SEED = Knob(default=0, low=0, high=200_000, reason="trial seeds are this x 10,000 plus a count, below 2**31")
PATIENCE = Knob(default=1, low=1, high=100_000, reason="epochs without a better objective")
MIN_LR = Knob(default=1e-5, low=1e-30, high=100.0, reason="the homework's rule")
EPOCH = Knob(default=1, low=1, high=100_000, reason="epochs count from 1")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Pass one: each key read by itself."""

    study: str
    question: str = ""
    data: Mapping[str, Scalar] = default(default_factory=lambda: read_data(Node({}, "")))
    base: Changes = default(default_factory=dict)
    factors: Factors = default(default_factory=dict)
    design: Design | None = None
    arms: Mapping[str, Changes] = default(default_factory=dict)
    include: Sequence[tuple[Node, Changes]] = ()
    exclude: Sequence[tuple[Node, Changes]] = ()
    tune: WrittenTune | None = None
    confirm: Confirm = default(default_factory=Confirm)
    objective: str = "valid/pr_auc"
    checkpoint: Literal["best", "last"] = "best"
    stop: Stop = default(default_factory=Stop)
    snapshots: tuple[int, ...] = ()
    seed: int = SEED.default  # type: ignore[assignment]
    alpha: float = ALPHA.default  # type: ignore[assignment]
    margins: Mapping[ClaimMetric, float] = default(default_factory=dict)
    hypotheses: Node | None = None  # read against the arms in pass two
    profile: str | None = None


# --- pass one --------------------------------------------------------------------------------------------------------


def _read_stop(node: Node) -> Stop:
    readers = {
        "patience": fields.reader("stop.patience", PATIENCE),
        "min_lr": fields.reader("stop.min_lr", MIN_LR),
    }
    return Stop(**fields.section(node, "stop", readers))


def _read_snapshots(node: Node) -> tuple[int, ...]:
    return tuple(sorted(fields.distinct(node, "snapshots", fields.reader("a snapshot's epoch", EPOCH))))


READERS: dict[str, Callable[[Node], Any]] = {
    "study": lambda node: fields.name(node, "the study's name"),
    "question": lambda node: fields.text(node, "question"),
    "data": read_data,
    "base": lambda node: read_changes(node, "base"),
    "factors": read_factors,
    "design": lambda node: fields.one_of(node, "design", DESIGNS),
    "arms": read_arms,
    "include": lambda node: read_matches(node, "include"),
    "exclude": lambda node: read_matches(node, "exclude"),
    "tune": read_tune,
    "confirm": read_confirm,
    "objective": lambda node: fields.one_of(node, "objective", tuple(OBJECTIVES)),
    "checkpoint": lambda node: fields.one_of(node, "checkpoint", ("best", "last")),
    "stop": _read_stop,
    "snapshots": _read_snapshots,
    "seed": fields.reader("seed", SEED),
    "alpha": fields.reader("alpha", ALPHA),
    "margins": read_margins,
    "hypotheses": lambda node: node,
    "profile": lambda node: fields.name(node, "the profile's name"),
}


def read_resolved(run: Path) -> Study:
    """The study of a run, as it began. Raises RecordError if its resolved.yaml is damaged."""
    path = run / "resolved.yaml"
    try:
        return read_study(path)
    except StudyError as error:
        raise RecordError(f"{error}; {path} is damaged or was changed: bring the old file back") from error


def read_study(path: Path, *, overrides: Sequence[str] = (), profile: str | None = None) -> Study:
    """The checked study of a file. `overrides` are `key=value` arguments; `profile` None means the machine's default.

    Raises StudyError, one line that begins with the file and line or with the override."""
    source = read_source(path)
    document, applied = changed_document(read_yaml(source, str(path)), overrides=overrides, profile=profile)
    keys = fields.mapping(document, "a study")
    draft = _read_draft(document)
    return _Assembly(draft, keys, document).study(source, draft.profile or applied)


def changed_document(document: Node, *, overrides: Sequence[str], profile: str | None) -> tuple[Node, str | None]:
    """The document as profile and overrides leave it, and the profile that was applied. Raises StudyError."""
    if document.value is None:
        raise document.error("the study is empty; it needs at least `study:` and `factors:`")
    known = tuple(READERS)
    document, applied = with_profile(document, profile, known)
    return apply_changes(document, read_overrides(overrides, known)), applied


def _read_draft(document: Node) -> Draft:
    values = {}
    for key, node in fields.mapping(document, "a study").items():
        if key not in READERS:
            raise node.error(f"unknown key {key!r}{did_you_mean(key, (*READERS, 'profiles'))}")
        if node.value is not None:  # nothing written, or `tune=null` on the command line: as if left out
            values[key] = READERS[key](node)
    if "study" not in values:
        raise document.error("a study needs a name: `study: losses`")
    return Draft(**values)


# --- pass two --------------------------------------------------------------------------------------------------------


class _Assembly:
    """Puts the draft's parts together and checks them against each other; `keys` are for the places of errors."""

    def __init__(self, draft: Draft, keys: Mapping[str, Node], document: Node) -> None:
        self.draft = draft
        self.keys = keys
        self.document = document

    def study(self, source: str, profile: str | None) -> Study:
        draft = self.draft
        design = self._design()
        base = base_config(draft.base, draft.factors)
        arms = self._arms(design, base)
        tune = self._tune(arms)
        self._check_components(arms, tune)
        confirm = self.draft.confirm
        check_confirm(confirm, self.keys.get("confirm", self.document), design, self.draft.tune)
        self._check_budgets(arms, tune)
        study = Study(
            name=draft.study,
            question=draft.question,
            data=draft.data,
            base=base,
            factors={name: tuple(level.label for level in levels) for name, levels in draft.factors.items()},
            design=design,
            arms=arms,
            tune=tune,
            confirm=confirm,
            objective=draft.objective,
            checkpoint=draft.checkpoint,
            stop=draft.stop,
            snapshots=draft.snapshots,
            hypotheses=(),
            seed=draft.seed,
            profile=profile,
            document={},
            source=source,
        )
        known = () if design == "search" else study.arms  # a search's winners are not known yet
        context = Context(
            compared=Compared(names=study.confirm_arms, arms={arm.name: arm for arm in known}, factors=study.factors),
            snapshots=study.snapshots,
            alpha=draft.alpha,
            margins={**DEFAULT_MARGINS, **draft.margins},
        )
        hypotheses = read_hypotheses(draft.hypotheses, context) if draft.hypotheses else ()
        study = replace(study, hypotheses=hypotheses)
        return replace(study, document=self._resolved(study, context))

    def _design(self) -> Design:
        draft, keys = self.draft, self.keys
        if draft.factors and draft.arms:
            raise keys["arms"].error("a study has `factors:` or explicit `arms:`, not both")
        if draft.arms or not draft.factors:
            fitting: Design = "explicit" if draft.arms else "search"
            if draft.design not in (None, fitting):
                raise keys["design"].error(f"design {draft.design} needs `factors:`, and this study has none")
            for key in ("include", "exclude"):
                if key in keys and getattr(draft, key):
                    raise keys[key].error(f"{key} needs `factors:`, and this study has none")
            if fitting == "search" and draft.tune is None:
                raise self.document.error("nothing is compared or searched: a study needs factors, arms or tune")
            return fitting
        if draft.design in ("explicit", "search"):
            raise keys["design"].error(f"design {draft.design} has no `factors:`, and this study has them")
        if draft.design is None and len(draft.factors) > 1:
            raise keys["factors"].error(f"with several factors say the design: {', '.join(FACTOR_DESIGNS)}")
        return draft.design or "one_factor"

    def _arms(self, design: Design, base: Config) -> tuple[Arm, ...]:
        draft = self.draft
        if design == "search":
            return (Arm(name="baseline", levels={}, config=base),)
        if design == "explicit":
            return explicit_arms(base, draft.arms, self.keys["arms"])
        return factor_arms(base, draft.factors, design, include=draft.include, exclude=draft.exclude)

    def _tune(self, arms: Sequence[Arm]) -> Tune | None:
        written = self.draft.tune
        if written is None:
            return None
        tunables = check_tunables(written.tunables, arms, tuple(self.draft.factors))
        return Tune(trials_per_arm=written.trials_per_arm, search=written.search, tunables=tunables, asha=written.asha)

    def _check_components(self, arms: Sequence[Arm], tune: Tune | None) -> None:
        misfit = find_misfit(arms, tune.tunables if tune else ())
        if misfit is not None:
            raise self.document.written(misfit.setting, misfit.value).error(misfit.text)

    def _check_budgets(self, arms: Sequence[Arm], tune: Tune | None) -> None:
        """Epochs against ASHA, stop rules and snapshots."""
        draft, keys = self.draft, self.keys
        tuned = next((t for t in tune.tunables if t.name == "epochs"), None) if tune else None
        shortest = min(_shortest(tuned), *(int(arm.config["epochs"]) for arm in arms), _FAR)
        if tune is not None and tune.asha is not None and tune.asha.grace_period >= shortest:
            assert draft.tune is not None
            place = fields.mapping(draft.tune.asha_node, "asha").get("grace_period", draft.tune.asha_node)
            raise place.error(
                f"asha.grace_period {tune.asha.grace_period} must be below the epochs of every arm, here {shortest}"
            )
        if draft.stop != Stop() and (tuned or len({arm.config["epochs"] for arm in arms}) > 1):
            raise keys["stop"].error("stop would end trials early where epochs is compared or tuned; drop one of them")
        for epoch in draft.snapshots:
            if epoch > shortest:
                items = fields.listing(keys["snapshots"], "snapshots")
                place = next(item for item in items if item.value == epoch)
                raise place.error(f"snapshot {epoch} is beyond the epochs of an arm, {shortest}")

    def _resolved(self, study: Study, context: Context) -> dict[str, object]:
        """The document with every default written out; keys that do not apply are left out."""
        draft = self.draft
        document: dict[str, object] = {
            "study": study.name,
            "question": study.question,
            "data": dict(study.data),
            "base": resolved.base_document(study.base, draft.factors),
            "factors": resolved.factors_document(draft.factors),
            "design": study.design,
            "arms": {name: resolved.changes_document(changes) for name, changes in draft.arms.items()},
            "include": resolved.matches_document(draft.include),
            "exclude": resolved.matches_document(draft.exclude),
            "tune": resolved.tune_document(study.tune) if study.tune else None,
            "confirm": {key: value for key, value in asdict(study.confirm).items() if value is not None},
            "objective": study.objective,
            "checkpoint": study.checkpoint,
            "stop": {rule: value for rule, value in asdict(study.stop).items() if value is not None},
            "snapshots": list(study.snapshots),
            "seed": study.seed,
            "alpha": context.alpha,
            "margins": dict(context.margins),
            "hypotheses": [resolved.hypothesis_document(hypothesis) for hypothesis in study.hypotheses],
            "profile": study.profile,
        }
        optional = ("factors", "arms", "include", "exclude", "tune", "stop", "snapshots", "hypotheses", "profile")
        return {key: value for key, value in document.items() if value or key not in optional}


_FAR = int(EPOCH.high or 0)


def _shortest(epochs: Tunable | None) -> int:
    """The smallest epoch budget a tunable may draw."""
    if epochs is None:
        return _FAR
    return int(min(map(int, epochs.choices), default=int(epochs.low)))
