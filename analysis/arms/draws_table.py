"""What the samplers drew: how often rare and frequent tags, and which clips again and again or never.

For arms whose sampler is not the baseline's, from the draws of their confirm trials.
"""

import logging
import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.report.grids import Grid
from analysis.rundata import RunData
from analysis.verdict.measured import completed
from tagsearch.errors import RecordError
from tagsearch.records import DRAWS_FILE, Config, Draws, Trial
from tagsearch.study.schema import TagGroup
from tagsearch.study.tag_groups import tag_groups

Floats = npt.NDArray[np.float64]

log = logging.getLogger(__name__)

NOT_RECORDED = "-"
DRAWS_NOTE = (
    "How often clips with a tag were drawn, beside drawing all clips alike (1): mean over the fifth of the tags with "
    "the most training clips (head), the next two fifths (mid) and the last (tail). Repeated: how often in an epoch "
    "the clip that was drawn most. Never drawn: share of the training clips."
)


def drawn(run: RunData) -> pd.DataFrame:
    """One row an arm whose sampler is not the baseline's; empty if there is none. Columns: arm, sampler, head, mid,
    tail (drawn rate of their tags / rate among the training clips), repeated (draws an epoch of the clip that is drawn
    most) and never (share of the training clips); means over the seeds whose draws are on disk, NaN if none are."""
    baseline = _sampler(run.study.baseline.config)
    rows = []
    for arm in run.study.confirm_arms:
        trials = completed(run, arm)
        if not trials or _sampler(trials[0].spec.config) == baseline:
            continue
        facts = [found for trial in trials if (found := _draws_of(run, trial)) is not None]
        means = pd.DataFrame(facts, columns=_DRAWS).mean()
        rows.append({"arm": arm, "sampler": _named(_sampler(trials[0].spec.config))} | dict(means))
    return pd.DataFrame(rows, columns=["arm", "sampler", *_DRAWS])


_GROUPS: tuple[TagGroup, ...] = ("head", "mid", "tail")
_DRAWS = [*_GROUPS, "repeated", "never"]


def _sampler(config: Config) -> Config:
    return {name: value for name, value in config.items() if name.partition(".")[0] == "sampler"}


def _named(sampler: Config) -> str:
    knobs = ", ".join(f"{name.partition('.')[2]}={value}" for name, value in sampler.items() if "." in name)
    return f"{sampler['sampler']} ({knobs})" if knobs else str(sampler["sampler"])


def _draws_of(run: RunData, trial: Trial) -> dict[str, float] | None:
    """None where the draws are not on disk (a damaged file is told), or nothing was drawn."""
    try:
        draws = trial.draws()
    except RecordError as error:
        if (trial.folder / DRAWS_FILE).exists():
            log.warning("%s; the draws of %s are left out", error, trial.spec.name)
        return None
    if not draws.clips.sum() or not trial.history:
        return None
    ratios = rate_ratios(draws, run.corpus.train_counts)
    groups = tag_groups(run.corpus.train_counts)
    row = {group: _mean(ratios[groups[group]]) for group in _GROUPS}
    return row | {"repeated": float(draws.clips.max()) / len(trial.history), "never": float((draws.clips == 0).mean())}


def _mean(ratios: Floats) -> float:
    """Of the tags that training clips have; NaN without any."""
    known = ratios[np.isfinite(ratios)]
    return float(known.mean()) if len(known) else math.nan


def rate_ratios(draws: Draws, train_counts: npt.NDArray[np.int64]) -> Floats:
    """By tag, how often it came with a draw beside how often it is on a training clip; NaN for a tag on none."""
    drawn_rate = draws.tags / draws.clips.sum()
    plain_rate = train_counts / len(draws.clips)
    ratios = np.full(len(plain_rate), np.nan)
    np.divide(drawn_rate, plain_rate, out=ratios, where=plain_rate > 0)
    return ratios


def draws_grid(frame: pd.DataFrame) -> Grid:
    """Of a frame with at least one row."""
    rows = tuple(
        (
            *(str(row[name]) for name in ("arm", "sampler")),
            *(_told(row[group], "{:.2f}") for group in _GROUPS),
            _told(row["repeated"], "{:.1f}"),
            _told(row["never"], "{:.1%}"),
        )
        for row in frame.to_dict(orient="records")
    )
    return Grid(
        title="Draws of samplers other than the baseline's",
        head=("arm", "sampler", "head tags", "mid tags", "tail tags", "repeated", "never drawn"),
        rows=rows,
        right=(False, False, True, True, True, True, True),
        notes=(DRAWS_NOTE,),
    )


def _told(value: float, form: str) -> str:
    return NOT_RECORDED if math.isnan(value) else form.format(value)
