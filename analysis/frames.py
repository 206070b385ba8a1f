"""Every table of a run as one function, for notebooks: a pandas DataFrame each.

    import analysis
    from analysis import frames, plots

    run = analysis.load("runs/losses-20261122T131500Z")   # or analysis.combine([one, other])
    frames.comparison(run)
    plots.forest(run)

All take a run folder, what `analysis.load` or `analysis.combine` gave, or a Summary; `analysis.summarize(run)` reads
the test scores once for all of them. Numbers are not rounded, scores are fractions of 1. Several runs combined have a
column `run` in front where each run has rows of its own.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.arms import draws_table, training_table
from analysis.labels.labels import CorpusLabels
from analysis.rundata import RunData, load
from analysis.search import best_of_n as best
from analysis.search import drops
from analysis.search import flow as flow_of_trials
from analysis.search import importance as ped_anova
from analysis.search import tuning as tune_phase
from analysis.summary import Summary
from analysis.summary import summarize as summarized
from analysis.tags import per_tag as by_tag
from analysis.tags.tagwise import arm_tagwise
from tagsearch.errors import AnalysisError
from tagsearch.records import FINAL

Run = Summary | RunData | Path | str


def run_of(run: Run) -> RunData:
    """What was loaded. Raises RecordError for a folder that is no run or is damaged."""
    if isinstance(run, Summary):
        return run.run
    return run if isinstance(run, RunData) else load(run)


def summary_of(run: Run) -> Summary:
    """Raises AnalysisError if nothing in the run can be scored."""
    return run if isinstance(run, Summary) else summarized(run)


# --- trials ----------------------------------------------------------------------------------------------------------


def trials(run: Run) -> pd.DataFrame:
    """One row a trial: phase, arm, trial (its folder, but for seeds that a combination numbers anew), seed, index,
    state, stop_reason, epochs, seconds, clips_drawn, best_epoch, best and last (objective on validation), n_retries,
    taken_from (the run that it was taken over from, "" for a trial that was trained in this run)."""
    return run_of(run).trials


def epochs(run: Run) -> pd.DataFrame:
    """One row a trial and epoch: phase, arm, trial, seed, epoch; train/loss, valid/loss, valid/roc_auc, valid/pr_auc,
    valid/n_undefined_tags; lr; clips_drawn, audio_seconds (in this epoch); train_seconds, seconds (with validation)."""
    return run_of(run).epochs


def per_tag(run: Run) -> pd.DataFrame:
    """One row a trial and tag, on validation at the trial's best epoch: phase, arm, trial, seed, tag, roc_auc, pr_auc
    (NaN where the tag cannot be scored)."""
    return run_of(run).per_tag


# --- the comparison --------------------------------------------------------------------------------------------------


def comparison(run: Run) -> pd.DataFrame:
    """One row an arm, on the test split, in the declared order. Columns:

    arm; seeds_done, seeds_planned, n_diverged, n_failed; for roc_ and pr_: mean, sd (over seeds), half (of the mean's
    95 % interval), delta to the baseline with lower and upper (95 %, over seeds and artists); outcome (+ gain, 0 none
    worth having, - harm, ? open); judged_by (hypothesis, or "exploratory")."""
    return summary_of(run).comparison


def arms(run: Run) -> pd.DataFrame:
    """`comparison`, and what else is known of each arm. Columns:

    those of `comparison` (arm; seeds_done, seeds_planned, n_diverged, n_failed; ...; outcome, judged_by); for roc_ and
    pr_: bench_lower, bench_upper (95 % over seeds alone, for this very test set) and better (seeds); for tail_, mid_
    and head_ tags: delta, lower, upper of the PR AUC; jsd and n_never with _sd; gates_failed; epochs, clips_drawn;
    mega_macs (of a chunk); n_configs and tune_epochs; hours of all trials."""
    return summary_of(run).arms


def verdicts(run: Run) -> pd.DataFrame:
    """One row a claim (hypothesis, part, contrast, metric); empty where nothing is judged. Columns:

    hypothesis, verdict, grade, alpha; part, role; contrast, is_step (of a ladder or trend); metric, endpoint, margin;
    estimate, lower, upper (as the rule used them; NaN where nothing can be compared); outcome."""
    return summary_of(run).claims


def training(run: Run) -> pd.DataFrame:
    """How each arm was trained, one row an arm. Columns:

    arm, n_seeds, epochs, best_epoch, end_slope (gain in the objective per epoch at the end); with _mean and _sd over
    seeds: train_bce, valid_bce, gap, train_pr_auc, valid_pr_auc, silhouette_before, silhouette_after, audio_hours,
    seconds."""
    return training_table.training(run_of(run))


def drawn(run: Run) -> pd.DataFrame:
    """What samplers drew, one row an arm whose sampler is not the baseline's; empty without one. Columns:

    arm, sampler; head, mid, tail (rate at which their tags were drawn, over their rate on training clips); repeated
    (draws an epoch of the clip drawn most); never (drawn, share of the training clips)."""
    return draws_table.drawn(run_of(run))


def tags(run: Run, arm: str, checkpoint: str = FINAL) -> pd.DataFrame:
    """An arm tag by tag on the test split, means over its seeds, one row a tag. Columns:

    tag; n_train, n_valid, n_test (clips that have it); roc_auc, pr_auc; threshold, n_predicted, precision, recall, f1,
    by one threshold for all tags that validation fixes; n_predicted_at_k, precision_at_k, ..., by the k highest scores
    of every clip; each of these with _sd; n_never (seeds that never predict the tag).

    Raises AnalysisError for an arm that the run does not have or that has no scores of the checkpoint."""
    data = run_of(run)
    _known(data, arm)
    return arm_tagwise(data, arm, checkpoint).frame


def tag_differences(run: Run, arm: str, than: str | None = None) -> pd.DataFrame:
    """An arm against the baseline, or `than`, tag by tag; one row a metric and tag, exploratory. Columns:

    arm, than, metric; tag, group (head, mid, tail), n_train, n_test (clips), n_artists (of test clips that have it);
    value, than_value; delta, lower, upper (95 %, over seeds and artists); normalised (share of what lies between chance
    and perfect); p, q (adjusted for the false discovery rate), is_marked. Raises AnalysisError as `tags` does."""
    summary = summary_of(run)
    _known(summary.run, arm, *([than] if than else []))
    return by_tag.per_tag(summary.run, summary.evidence, arm, than)


def tag_groups(run: Run, arm: str, than: str | None = None) -> pd.DataFrame:
    """The same over groups of tags: arm, than, metric; contrast (head, mid, tail, "tail - head", "slope" per tenfold
    training clips); n_tags; delta, lower, upper, p; normalised with normalised_lower and normalised_upper."""
    summary = summary_of(run)
    _known(summary.run, arm, *([than] if than else []))
    return by_tag.by_group(summary.run, summary.evidence, arm, than)


def _known(run: RunData, *arms: str) -> None:
    for arm in arms:
        if arm not in run.study.confirm_arms:
            raise AnalysisError(f"there is no arm {arm!r}; the run has {', '.join(run.study.confirm_arms)}")


def flow(run: Run) -> pd.DataFrame:
    """What became of an arm's trials, one row an arm, in counts, <NA> where there is no such step. Columns:

    arm; proposed, stopped (by ASHA), diverged, failed, unended, finished, full_length (of them), chosen; of the confirm
    phase planned, confirm_diverged, confirm_failed, confirm_unended, analysed, unplanned (beyond the plan)."""
    summary = summary_of(run)
    return flow_of_trials.flow(summary.run, summary.evidence)


# --- the tune phase --------------------------------------------------------------------------------------------------


def tuning(run: Run) -> pd.DataFrame:
    """What the tune phase spent and chose, one row an arm; empty without one. Selection, no evidence. Columns:

    arm; trials proposed, stopped, finished, diverged, failed, full_length; epochs, seconds; share (of the phase's
    epochs), budget_share (of the epochs that its trials would have taken); chosen, objective, best (the chosen trial's
    objective, on validation)."""
    return _by_run(run, tune_phase.tuning)


def tune_trials(run: Run) -> pd.DataFrame:
    """One row a tune trial: arm, trial, index, state, trained and budget (epochs), seconds, value (the objective),
    is_chosen, and a column a tunable."""
    return _by_run(run, tune_phase.tune_trials)


def best_of_n(run: Run) -> pd.DataFrame:
    """The expected best objective of n trials, unbiased: arm, n, expected; low and high: quartiles of the best of n
    fresh trials."""
    return _by_run(run, best.best_of_n)


def importance(run: Run) -> pd.DataFrame:
    """Which tunables mattered (PED-ANOVA), exploratory: arm, tunable, n_trials, n_best, importance (share of 1 within
    the arm), n_by_chance (of 19 deals of the scores at random, how many weigh as much). Arms with too few trials are
    left out."""
    return _by_run(run, lambda one: ped_anova.importances(one, np.random.default_rng(one.study.seed)).frame)


def validation_to_test(run: Run) -> pd.DataFrame:
    """What each arm loses from validation to test: arm, metric, n_seeds, n_tags; chosen (value when it was chosen);
    valid, test, drop with <>_sd over seeds; beyond (the baseline's drop), half (of its interval)."""
    if isinstance(run, Summary) and run.run.pooled is None:
        return drops.drops(run.run, run.evidence, [])
    return _by_run(run, lambda one: drops.drops(one, summarized(one).evidence, []))


def _by_run(run: Run, table: Callable[[RunData], pd.DataFrame]) -> pd.DataFrame:
    """Each run of a combination tuned for itself."""
    data = run_of(run)
    if data.pooled is None:
        return table(data)
    frames = [table(one).assign(run=name) for name, one in data.pooled.runs.items()]
    joined = pd.concat([frame for frame in frames if not frame.empty] or frames[:1], ignore_index=True)
    return joined[["run", *(name for name in joined if name != "run")]]


# --- labels ----------------------------------------------------------------------------------------------------------


def labels(run: Run) -> CorpusLabels:
    """The label analysis of the run's corpus; its frames are attributes: splits, counts (one row a tag), shared,
    rare, pairs, synonyms."""
    return run.labels if isinstance(run, Summary) else CorpusLabels(table=run_of(run).corpus)
