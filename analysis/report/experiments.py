"""Chapter "Experiments": the table of all arms, then a section for each factor if there are several, how the arms were
trained and drawn, the tune phase, tag by tag, listening.

A factor's section has the arms that differ from the baseline in nothing else. Arms keep their colours everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from analysis.arms import alt_texts, draws_table, figures, tables, training_table
from analysis.arms.arms_table import arms_grid
from analysis.arms.forest import forest_parts
from analysis.arms.interaction_figures import interaction_pictures
from analysis.report.sections import Part, Section, draw
from analysis.rundata import RunData
from analysis.search.search_section import search_section
from analysis.summary import Summary
from analysis.tags.clip_section import clips_section
from analysis.tags.inspection import TagPairs
from analysis.tags.tag_section import beside, shown_arms, tags_section
from tagsearch.study.schema import Study


def experiments(summary: Summary, pairs: TagPairs) -> Section:
    """Anchor "experiments". `pairs`: of tags whose use the test clips are searched for."""
    run, evidence = summary.run, summary.evidence
    factors = arms_by_factor(run.study)
    sections = [
        compared(summary, with_curves=not factors),
        *(factor_section(summary, factor, arms) for factor, arms in factors.items()),
        training_section(run),
        *([] if run.pooled else [search_section(run, evidence, summary.tuning)]),  # each run tuned for itself
        tags_section(run, evidence, summary.models, beside_baseline=not factors),
        clips_section(run, evidence, pairs),
    ]
    present = [section for section in sections if section.parts]
    return Section(anchor="experiments", title="Experiments", parts=[], sections=present)


def arms_by_factor(study: Study) -> Mapping[str, tuple[str, ...]]:
    """Names of the arms that differ from the baseline in one factor only, in the declared order; empty where fewer than
    two factors have such arms: then the table of all arms says it all."""
    found: dict[str, list[str]] = {}
    for arm in study.arms[1:]:
        levels = study.baseline.levels
        changed = [factor for factor, level in arm.levels.items() if level != levels.get(factor)]
        if len(changed) == 1:
            found.setdefault(changed[0], []).append(arm.name)
    ordered = {factor: tuple(found[factor]) for factor in study.factors if factor in found}
    return ordered if len(ordered) > 1 else {}


def compared(summary: Summary, *, with_curves: bool) -> Section:
    """Anchor "comparison": every arm."""
    run, evidence = summary.run, summary.evidence
    parts: list[Part] = [arms_grid(run, evidence, summary.arms), *forest_parts(summary)]
    parts += [*interaction_pictures(summary), *(curves(run) if with_curves else ())]
    return Section(anchor="comparison", title="All arms", parts=parts, tables={"comparison": summary.arms})


def curves(run: RunData, *, suffix: str = "") -> Sequence[Part]:
    drawn = partial(figures.learning_curves, run)
    return draw(f"learning_curves{suffix}", "Learning curves", drawn, told=alt_texts.learning_curves(run))


def factor_section(summary: Summary, factor: str, arms: Sequence[str]) -> Section:
    """The baseline and the arms that differ from it in this factor."""
    run, evidence, baseline = summary.run, summary.evidence, summary.run.study.baseline.name
    chosen = (baseline, *arms)
    frame = summary.comparison[summary.comparison["arm"].isin(chosen)]
    grid = tables.comparison_grid(run, evidence, frame)
    own = replace(run, confirm=tuple(trial for trial in run.confirm if trial.spec.arm in chosen))
    known = [arm for arm in chosen if arm in summary.models.arms]
    models = [summary.models.arms[arm] for arm in shown_arms(run, known)] if known else []
    parts: list[Part] = [
        replace(grid, title=f"Arms that change {factor} alone", notes=()),
        *curves(own, suffix=f"_{factor}"),
        *(beside(run, evidence, models) if models else ()),
    ]
    return Section(anchor=f"factor-{factor}", title=f"Factor {factor}", parts=parts)


def training_section(run: RunData) -> Section:
    """Anchor "training"; its tables are training.csv and draws.csv. Without parts before a trial has completed."""
    trained, drawn = training_table.training(run), draws_table.drawn(run)
    parts: list[Part] = [] if trained.empty else [training_table.training_grid(trained)]
    parts += [] if drawn.empty else [draws_table.draws_grid(drawn)]
    frames = {name: frame for name, frame in {"training": trained, "draws": drawn}.items() if not frame.empty}
    return Section(anchor="training", title="How training and drawing went", parts=parts, tables=frames)
