"""Section "Tag by tag": what the arms predict, how well and how often, and where they differ.

Pictures show every arm of a small study, of a larger one the baseline and the best rival on validation. Everything here
describes; what is claimed is judged by the hypotheses alone.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.arms.arm_models import ArmModels, arm_models, model_of
from analysis.report.grids import Grid
from analysis.report.sections import Part, Section, Text, draw
from analysis.rundata import RunData
from analysis.tags import tag_alt_texts, tag_figures
from analysis.tags.tag_effects import effect_frames, effect_parts
from analysis.tags.tagwise import Tagwise
from analysis.verdict import words
from analysis.verdict.evidence import Evidence
from tagsearch.records import FINAL

MOST_PANELS = 4  # arms side by side: more would not fit the page
N_EXTREME = 10  # easiest and hardest tags told

RULE = (
    "Each model tags a clip with every tag whose score lies above one threshold, the same for all tags and fitted on "
    "validation so that as many tags are predicted there as are annotated. At top k it gives every clip its {k} "
    "highest scores: as many as an annotated validation clip has on average. Numbers are means over the seeds; a seed "
    "that never predicts a tag has no precision for it. In brackets: training clips."
)
BALANCE_NOTE = (
    "JSD: Jensen-Shannon divergence in bits between the shares of annotated and predicted tags, 0 the same shares, 1 "
    "no tag in common. Precision and recall over all clips and tags."
)
CAUTION = (
    "Single tags are exploratory: the lines are the SD over seeds and leave out which few clips happen to test a tag, "
    "so of many tags some differ by luck alone."
)


def tags_section(
    run: RunData, evidence: Evidence, known: ArmModels | None = None, *, beside_baseline: bool = True
) -> Section:
    """Anchor "tags"; its tables are tags.csv, one row an arm, checkpoint and tag, and per_tag.csv and tag_groups.csv,
    every arm against the baseline (see `per_tag`). `beside_baseline`: with the pictures of every arm beside the
    baseline, which a study of several factors shows factor by factor."""
    known = known or arm_models(run, evidence)
    arms, notes = known.arms, list(known.notes)
    snapshots = _snapshots(run, arms, notes)
    if not arms:
        told = Text(lines=tuple(notes) or ("No confirm trial has completed yet.",))
        return Section(anchor="tags", title="Tag by tag", parts=[told])
    models = [*arms.values(), *(pair.early for pair in snapshots)]
    shown = [arms[arm] for arm in shown_arms(run, tuple(arms))]
    notes += dict.fromkeys(note for model in models for note in model.notes)
    effects = effect_frames(run, evidence)
    parts: list[Part] = [
        Text(lines=(RULE.format(k=shown[0].k),), soft=True),
        balance_grid(models),
        Text(lines=tuple(never_told(model) for model in models)),
        *_pictures(run, shown),
        *effect_parts(run, effects, [model.arm for model in shown]),
        *(beside(run, evidence, shown) if beside_baseline else ()),
        *_beside_snapshot(run, snapshots),
        *extreme_grids(shown[0], n_clips=evidence.split.n_clips),
    ]
    if notes:
        parts.append(Text(lines=tuple(notes), soft=True))
    return Section(anchor="tags", title="Tag by tag", parts=parts, tables={"tags": tags_table(models)} | effects)


@dataclass(frozen=True, kw_only=True)
class _Snapshot:
    """A snapshot and the final checkpoint of the same trials."""

    early: Tagwise
    final: Tagwise


def _snapshots(run: RunData, arms: Mapping[str, Tagwise], notes: list[str]) -> list[_Snapshot]:
    """The baseline's, in the order of their epochs."""
    baseline, found = run.study.baseline.name, []
    for epoch in run.study.snapshots if baseline in arms else ():
        early = model_of(run, baseline, f"epoch{epoch}", notes)
        final = model_of(run, baseline, FINAL, notes, seeds=early.seeds) if early else None
        if early and final:
            found.append(_Snapshot(early=early, final=final))
    return found


def shown_arms(run: RunData, arms: Sequence[str]) -> tuple[str, ...]:
    """All of `arms` if they are few, else the first (the baseline) and its best rival."""
    if len(arms) <= MOST_PANELS:
        return tuple(arms)
    best = best_rival(run, arms)
    return (arms[0], best) if best else (arms[0],)


def best_rival(run: RunData, arms: Sequence[str]) -> str | None:
    """Of all arms but the first, the one with the best mean objective on validation; None if there is none."""
    sign = 1 if run.study.direction == "max" else -1
    scores = {arm: [t.result.best for t in run.confirm if t.spec.arm == arm and t.result] for arm in arms[1:]}
    means = {arm: float(np.mean(known)) for arm, all in scores.items() if (known := [b for b in all if b is not None])}
    return max(means, key=lambda arm: sign * means[arm]) if means else None


def tags_table(models: Sequence[Tagwise]) -> pd.DataFrame:
    """arm, checkpoint, n_seeds, k, then the columns of `tagwise`."""
    frames = []
    for model in models:
        frame = model.frame.assign(arm=model.arm, checkpoint=model.checkpoint, n_seeds=len(model.seeds), k=model.k)
        frames.append(frame[[*_HEAD, *model.frame.columns]])
    return pd.concat(frames, ignore_index=True)


_HEAD = ("arm", "checkpoint", "n_seeds", "k")


# --- words and tables ------------------------------------------------------------------------------------------------


def balance_grid(models: Sequence[Tagwise]) -> Grid:
    k = models[0].k
    return Grid(
        title="How the predicted tags are spread",
        head=("arm", "seeds", "JSD", "never predicted", "precision", "recall", f"precision at {k}", f"recall at {k}"),
        rows=tuple(
            (model_name(model), str(len(model.seeds)), *(_mean_sd(model, name, least) for name, least in _BALANCE))
            for model in models
        ),
        right=(False, *(True for _ in range(7))),
        notes=(BALANCE_NOTE,),
    )


_BALANCE = (("jsd", 2), ("n_never", 0), ("precision", 2), ("recall", 2), ("precision_at_k", 2), ("recall_at_k", 2))


def _mean_sd(model: Tagwise, name: str, least: int) -> str:
    mean, sd = (float(getattr(totals, name)) for totals in (model.totals, model.spread))
    return words.mean_sd(mean, sd, len(model.seeds), least=least)


def never_told(model: Tagwise) -> str:
    """Which tags a model leaves out, in one sentence."""
    name, n_tags = model_name(model), int((model.frame["n_test"] > 0).sum())
    if not model.totals.n_never:
        return f"{name} predicts every annotated tag at least once."
    n_never = f"{model.totals.n_never:.3g}"
    if len(model.seeds) == 1:
        return f"{name} never predicts {n_never} of {n_tags} annotated tags: {', '.join(model.never)}."
    alike = f"no seed predicts {', '.join(model.never)}" if model.never else "every tag is predicted by some seed"
    return f"{name} never predicts {n_never} of {n_tags} annotated tags (mean over its seeds); {alike}."


def model_name(model: Tagwise) -> str:
    return model.arm if model.checkpoint == FINAL else f"{model.arm}, {_when(model)}"


def _when(model: Tagwise) -> str:
    """ "epoch 10", "final (epochs 13 to 24)"; "final" where the epochs are not recorded."""
    known = sorted({epoch for epoch in model.epochs if epoch})
    if not known:
        return model.checkpoint
    epochs = f"epoch {known[0]}" if len(known) == 1 else f"epochs {known[0]} to {known[-1]}"
    return f"final ({epochs})" if model.checkpoint == FINAL else epochs


def extreme_grids(model: Tagwise, *, n_clips: int) -> list[Grid]:
    """The easiest and the hardest tags by ROC AUC, whose chance level is the same for all; of few tags all in one."""
    frame = model.frame.dropna(subset=["roc_auc"]).sort_values("roc_auc", ascending=False, kind="stable")
    if len(frame) <= 2 * N_EXTREME:
        chosen = {"All tags": frame}
    else:
        hardest = frame.tail(N_EXTREME).iloc[::-1]
        chosen = {f"The {N_EXTREME} easiest tags": frame.head(N_EXTREME), f"The {N_EXTREME} hardest tags": hardest}
    left_out = ", ".join(model.frame.loc[model.frame["roc_auc"].isna(), "tag"])
    note = f"Left out, without a positive or a negative test clip: {left_out}."
    return [
        Grid(
            title=f"{title} of {model_name(model)}, by ROC AUC",
            head=("tag", "train", "test", "ROC AUC", "PR AUC", "chance PR", "precision", "recall", "F1"),
            rows=tuple(_extreme_row(row, model, n_clips) for row in rows.to_dict(orient="records")),
            right=(False, *(True for _ in range(8))),
            notes=(note,) if left_out else (),
        )
        for title, rows in chosen.items()
    ]


def _extreme_row(row: Mapping[Hashable, Any], model: Tagwise, n_clips: int) -> tuple[str, ...]:
    """Means without their SD, which is in tags.csv, rounded to what it supports."""
    told = {
        name: words.mean_sd(row[name], row.get(f"{name}_sd", np.nan), len(model.seeds)).partition(" ")[0]
        for name in ("roc_auc", "pr_auc", "precision", "recall", "f1")
    }
    chance = f"{row['n_test'] / n_clips:.3f}"
    cells = (told["roc_auc"], told["pr_auc"], chance, told["precision"], told["recall"], told["f1"])
    return (str(row["tag"]), f"{row['n_train']:,}", f"{row['n_test']:,}", *cells)


# --- pictures --------------------------------------------------------------------------------------------------------


def _pictures(run: RunData, models: Sequence[Tagwise]) -> list[Part]:
    precise = partial(tag_figures.precision_recall, models, n_clips=len(run.corpus.rows("test")))
    counted = partial(tag_figures.tag_counts, models)
    return [
        *draw(
            "tags_precision_recall",
            "Precision and recall of every tag",
            precise,
            told=tag_alt_texts.precision_recall(models),
            wide=True,
        ),
        *draw(
            "tags_counts",
            "How often every tag is annotated and predicted",
            counted,
            told=tag_alt_texts.tag_counts(models),
            wide=True,
        ),
    ]


def beside(run: RunData, evidence: Evidence, shown: Sequence[Tagwise]) -> list[Part]:
    """Every rival of `shown` beside the first of them, if that is the baseline."""
    order, parts, baseline = list(evidence.arms), list[Part](), shown[0]
    for rival in shown[1:] if baseline.arm == run.study.baseline.name else ():
        places = (order.index(rival.arm), order.index(baseline.arm))
        names = (rival.arm, baseline.arm)
        parts += _side_by_side(run, rival, baseline, names=names, places=places)
    return [*parts, Text(lines=(CAUTION,), soft=True)] if parts else []


def _beside_snapshot(run: RunData, snapshots: Sequence[_Snapshot]) -> list[Part]:
    """The baseline's end beside its first snapshot; others are in tags.csv."""
    for pair in snapshots[:1]:
        names = (_when(pair.final), _when(pair.early))
        parts = _side_by_side(run, pair.final, pair.early, names=names, places=(0, 1))
        return [*parts, Text(lines=(CAUTION,), soft=True)]
    return []


def _side_by_side(
    run: RunData, one: Tagwise, other: Tagwise, *, names: tuple[str, str], places: tuple[int, int]
) -> list[Part]:
    same = one.arm == other.arm
    title = f"{one.arm}: {names[1]} and {names[0]}" if same else f"{names[0]} beside {names[1]}"
    file = f"tags_snapshot_{one.arm}_{other.checkpoint}" if same else f"tags_arm_{one.arm}"
    n_clips = len(run.corpus.rows("test"))
    drawn = partial(tag_figures.side_by_side, one, other, names=names, places=places, n_clips=n_clips)
    told = tag_alt_texts.beside(one, other, names)
    return [*draw(file, f"{title}, by the difference in PR AUC", drawn, told=told, wide=True)]
