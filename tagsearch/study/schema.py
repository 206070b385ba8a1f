"""A study, checked: what the study file says once every default is filled in and every rule has held.

Frozen objects only; `parse` makes them. Configurations are flat mappings: "model", "model.width", "loss", "loss.gamma",
"lr", "epochs", ... - exactly the knobs of the chosen components (see tagsearch.registry), nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from tagsearch.records import FINAL, Config, Scalar
from tagsearch.registry import OBJECTIVES, Direction

Design = Literal["grid", "one_factor", "leave_one_out", "explicit", "search"]
Kind = Literal["uniform", "loguniform", "randint", "lograndint", "choice"]
Metric = Literal["roc_auc", "pr_auc"]
SEARCH = "search"  # the tune phase's only arm in a pure search; its winners are search-1, search-2, ...
METRICS: tuple[Metric, ...] = ("roc_auc", "pr_auc")
# What a hypothesis can be about. balance: the Jensen-Shannon divergence between the shares of predicted and annotated
# tags, by which fraction it is smaller than the rival's (predicted by one threshold that validation fixes)
ClaimMetric = Literal["roc_auc", "pr_auc", "balance"]
CLAIM_METRICS: tuple[ClaimMetric, ...] = (*METRICS, "balance")
TagGroup = Literal["all", "head", "mid", "tail"]  # by training clips, see study.tag_groups
TAG_GROUPS: tuple[TagGroup, ...] = ("all", "head", "mid", "tail")
PartKind = Literal["versus", "trend", "ladder", "main", "interaction"]
Check = Literal["silhouette"]
CHECKS: tuple[Check, ...] = ("silhouette",)
PremiseName = Literal["underfit", "imbalance", "entanglement"]
PREMISES: tuple[PremiseName, ...] = ("underfit", "imbalance", "entanglement")


@dataclass(frozen=True, kw_only=True)
class Tunable:
    """A nuisance hyperparameter. Ranges are Ray Tune's: the upper end of randint and lograndint is excluded.

    `when` maps a knob to the values under which this tunable exists."""

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    choices: tuple[Scalar, ...] = ()
    when: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)

    def applies(self, config: Config) -> bool:
        return all(config.get(name) in values for name, values in self.when.items())


@dataclass(frozen=True, kw_only=True)
class Asha:
    grace_period: int = 4  # epochs before the first cut
    reduction_factor: int = 3  # one in three goes on

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Epochs at which a trial of that budget may be stopped."""
        rungs, rung = [], self.grace_period
        while rung < epochs:
            rungs.append(rung)
            rung *= self.reduction_factor
        return tuple(rungs)


@dataclass(frozen=True, kw_only=True)
class Tune:
    trials_per_arm: int
    search: Literal["random", "optuna"]
    tunables: tuple[Tunable, ...]
    asha: Asha | None  # None: every trial runs its whole budget


@dataclass(frozen=True, kw_only=True)
class Confirm:
    seeds: int = 5  # the verdict method's grade A needs five
    top: int = 1  # pure search only: how many configurations go to the confirm phase
    configs: int = 1  # else: how many of an arm's best configurations share its seeds, see trials.confirm_trials
    extension: int | None = None  # seeds of the declared second look; None: the first look is the only one


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Ends a trial before its budget as COMPLETED, the same rule for all arms. None: no such rule."""

    patience: int | None = None  # epochs without a better objective
    min_lr: float | None = None  # learning rate below which the trial ends (the homework's rule)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One combination of factor levels. `levels`: factor -> label of its level."""

    name: str
    levels: Mapping[str, str]
    config: Config


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """What one member of a part compares: the sum over arms of weight x the arm's mean score, in the direction that the
    hypothesis claims. A bce -> focal contrast, "focal - bce", has the weights {focal: 1, bce: -1}."""

    name: str
    weights: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One claim of a hypothesis: at least `at_least` of the contrasts are gains by the margin, on every metric.

        versus       arms against one rival                                             a contrast an arm
        trend        the fitted gain from the first to the last of ordered arms         one contrast
        ladder       the same in equal steps, and no step down                          one contrast
        main         one factor's level against its first, averaged over the others     one contrast
        interaction  by how much one level's effect is larger with another level        one contrast

    `steps`: of a trend or ladder, its neighbours; `doublings`: of a trend, from the first arm's number to the last
    one's. The metrics are means over `tags`; with `beyond`, the claim is by how much they gain more than that group."""

    id: str
    kind: PartKind
    contrasts: tuple[Contrast, ...]
    at_least: int
    metrics: tuple[ClaimMetric, ...]
    margins: Mapping[ClaimMetric, float]  # smallest difference worth having, in fractions of 1
    written: Mapping[str, object]  # the claim as the study file has it: {"any": [...], "than": ...}
    steps: tuple[Contrast, ...] = ()
    doublings: float = 0.0
    tags: TagGroup | tuple[str, ...] = "all"
    beyond: TagGroup | None = None
    checkpoint: str = FINAL  # or a snapshot, "epoch10"
    role: Literal["primary", "secondary"] = "primary"

    @property
    def arms(self) -> tuple[str, ...]:
        """All arms that it compares, each once."""
        return tuple(dict.fromkeys(name for contrast in self.contrasts for name in contrast.weights))


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """`premises`: what the claim rests on (see `analysis`); reported beside the verdict, never part of it.
    `check`: what the arms must have changed for their scores to say anything of the hypothesis (gate G3)."""

    id: str
    text: str
    alpha: float
    parts: tuple[Part, ...]
    premises: tuple[PremiseName, ...] = ()
    check: Check | None = None


@dataclass(frozen=True, kw_only=True)
class Study:
    """`arms[0]` is the baseline. In a pure search (`design == "search"`) it is the only arm until the tune phase has
    chosen the winners; they are called search-1, search-2, ..."""

    name: str
    question: str
    data: Mapping[str, Scalar]  # "corpus", the corpus's own knobs, and those of registry.DATA
    base: Config
    factors: Mapping[str, tuple[str, ...]]  # factor -> labels of its levels, the baseline's first
    design: Design
    arms: tuple[Arm, ...]
    tune: Tune | None
    confirm: Confirm
    objective: str
    checkpoint: Literal["best", "last"]
    stop: Stop
    snapshots: tuple[int, ...]
    hypotheses: tuple[Hypothesis, ...]
    seed: int
    profile: str | None
    document: Mapping[str, object]  # the file after profile and overrides, every default written out: resolved.yaml
    source: str  # the file as given: study.yaml

    @property
    def baseline(self) -> Arm:
        return self.arms[0]

    @property
    def direction(self) -> Direction:
        return OBJECTIVES[self.objective]

    @cached_property
    def by_name(self) -> Mapping[str, Arm]:
        return {arm.name: arm for arm in self.arms}

    @property
    def tune_arms(self) -> tuple[Arm, ...]:
        """The arms of the tune phase; a pure search is one arm there, called `search`, that starts from the base."""
        return (replace(self.baseline, name=SEARCH),) if self.design == "search" else self.arms

    @property
    def confirm_arms(self) -> tuple[str, ...]:
        """Names of the arms of the confirm phase, in the order declared."""
        winners = tuple(f"{SEARCH}-{k + 1}" for k in range(self.confirm.top)) if self.design == "search" else ()
        return tuple(arm.name for arm in self.arms) + winners

    @property
    def confirm_seeds(self) -> tuple[int, ...]:
        """Those of the first look; a run that was extended has more, see `extension`."""
        return self.first_seeds(self.confirm.seeds)

    def first_seeds(self, n: int) -> tuple[int, ...]:
        """The first `n` seeds of the confirm phase, however many are planned."""
        return tuple(self.seed * 10_000 + 1 + k for k in range(n))

    def tune_seed(self, index: int) -> int:
        """Seed of an arm's `index`-th tune trial: the same for all arms, never one of the confirm phase's."""
        return self.seed * 10_000 + 5_001 + index
