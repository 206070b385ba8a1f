"""The tables of a summary that belong in a paper: tables.tex, and `tagsearch summarize -f latex`."""

from typing import TYPE_CHECKING

from analysis.arms import arms_table
from analysis.arms.training_table import training, training_grid
from analysis.report import latex
from analysis.report.grids import Grid
from analysis.search import tuning
from analysis.tags.tag_section import balance_grid, extreme_grids
from analysis.verdict.verdict_table import verdict_grid

if TYPE_CHECKING:
    from analysis.summary import Summary


def paper_tex(summary: "Summary") -> str:
    return latex.tables(paper_grids(summary))


def paper_grids(summary: "Summary") -> list[Grid]:
    """Comparison, verdicts, tune phase, training, the baseline's easiest and hardest tags: what there is of them."""
    run, evidence = summary.run, summary.evidence
    trained, models = training(run), list(summary.models.arms.values())
    grids = list(arms_table.paper_grids(arms_table.arms_grid(run, evidence, summary.arms)))
    grids += [] if summary.claims.empty else [verdict_grid(summary.claims)]
    grids += tuning.tuning_grids(summary.tuning)
    grids += [] if trained.empty else [training_grid(trained)]
    if models:
        grids += [balance_grid(models), *extreme_grids(models[0], n_clips=evidence.split.n_clips)]
    return grids
