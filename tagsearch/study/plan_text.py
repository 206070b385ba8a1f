"""A plan in words."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from tagsearch.study.component_checks import double_corrections
from tagsearch.study.endpoints import METRIC_NAMES
from tagsearch.study.measured import gpu_share, trials_that_fit
from tagsearch.study.plan import TRIALS_PER_GPU, Plan
from tagsearch.study.schema import Study

if TYPE_CHECKING:
    from tagsearch.study.resolution import Resolution


def describe(study: Study, plan: Plan) -> str:
    """What `tagsearch plan` prints."""
    lines = [f"study {study.name}: {study.question}".rstrip(": "), f"arms: {', '.join(plan.arms)}"]
    for phase in plan.phases:
        stopped = f" ({phase.most_epochs} if none is stopped)" if phase.expected_epochs < phase.most_epochs else ""
        lines.append(f"{phase.phase:7}  {phase.n_trials:4d} trials  about {phase.expected_epochs:.0f} epochs{stopped}")
    time = duration(plan.seconds)
    disk = f"{plan.disk_bytes / 1e9:.1f} GB of trials and {plan.feature_bytes / 1e9:.1f} GB of cached features"
    gpus = f" ({plan.gpu_hours:.1f} GPU-hours)" if plan.n_gpus else ""
    lines.append(f"predicted: {time}{gpus} with {plan.n_slots} trials at a time, {disk} on disk")
    lines += probe_lines(plan)
    if (seeds := study.confirm.extension) is not None:
        more = (seeds - study.confirm.seeds) * len(study.confirm_arms)
        lines.append(f"declared: a second look at {seeds} seeds an arm, {more} more trials if it is taken")
    lines += power_lines(plan.power)
    lines += [f"warning: {sentence}" for sentence in double_corrections(study)]
    return "\n".join(lines)


def probe_lines(plan: Plan) -> list[str]:
    """What was measured, a line for the arms of one cost, and whether the trials fit into memory together."""
    if not plan.probed:
        return []
    costs = [one.cost for one in plan.probed]
    lines = [
        f"measured: {one.seconds_per_epoch:.3g} s an epoch, {one.cost.peak_bytes / 1e9:.2f} GB of memory a trial: "
        + ", ".join(one.arms)
        for one in plan.probed
    ]
    n, total = trials_that_fit(costs), f"{costs[0].total_bytes / 1e9:.0f} GB"
    smaller = "lower batch_size or the model's width"
    if costs[0].on_gpu:
        share = f"--gpus-per-trial {gpu_share(costs, most=TRIALS_PER_GPU):g}"
        lines.append(f"a GPU of {total} ({costs[0].device}) holds the networks of {n} trials: {share}")
        return lines if n else [*lines, f"warning: the largest arm may not fit into a GPU; {smaller}"]
    if n < plan.n_slots:
        way_on = f"--max-concurrent {n}" if n else smaller
        lines.append(f"warning: {plan.n_slots} trials at a time do not fit into {total} of memory; {way_on}")
    return lines


def power_lines(power: Sequence["Resolution"]) -> list[str]:
    """What each part can resolve, then a warning for each whose margins it cannot."""
    n_parts = {one.hypothesis: len({two.part for two in power if two.hypothesis == one.hypothesis}) for one in power}
    parts = [list(group) for _, group in groupby(power, key=lambda one: (one.hypothesis, one.part))]
    named = [(p[0].hypothesis + (f" ({p[0].part})" if n_parts[p[0].hypothesis] > 1 else ""), p) for p in parts]
    weak = [(name, [one for one in part if not one.shows_margin]) for name, part in named]
    return [f"{name}: {_resolves(part)}" for name, part in named] + [
        f"warning: {name}: {_too_weak(part)}" for name, part in weak if part
    ]


def _resolves(part: Sequence["Resolution"]) -> str:
    """ "5 seeds resolve ROC AUC 0.010, PR AUC 0.018 on 189 test artists (assumed seed SD 0.0040, 0.0080)"."""
    first = part[0]
    if first.n_seeds < 2:
        return "one seed an arm resolves nothing: it says nothing about the spread between seeds"
    effects = ", ".join(f"{one.endpoint.name} {_effect(one, one.smallest_effect)}" for one in part)
    artists = first.source.noise.n_artists
    on = "this test set, whose artists are not known" if artists is None else f"{artists} test artists"
    return f"{first.n_seeds} seeds resolve {effects} on {on} ({_source(part)})"


def _source(part: Sequence["Resolution"]) -> str:
    by_run = groupby(part, key=lambda one: one.source.run)
    texts = [(run, ", ".join(f"{one.source.noise.seed_sd:.4f}" for one in group)) for run, group in by_run]
    return "; ".join(f"seed SD {sds} from {run}" if run else f"assumed seed SD {sds}" for run, sds in texts)


def _too_weak(part: Sequence["Resolution"]) -> str:
    """ "5 seeds cannot show its margin PR AUC 0.01 (11 would)"."""
    seeds = "1 seed" if part[0].n_seeds == 1 else f"{part[0].n_seeds} seeds"
    margins = ", ".join(f"{METRIC_NAMES[one.endpoint.metric]} {_margin(one)} ({_remedy(one)})" for one in part)
    return f"{seeds} cannot show its margin{'s' * (len(part) > 1)} {margins}"


def _remedy(one: "Resolution") -> str:
    if one.seeds_needed is not None:
        return f"{one.seeds_needed} would"
    return f"no number can: floor {_effect(one, one.floor)}"


def _effect(one: "Resolution", effect: float) -> str:
    """Rounded up, so that a margin below it looks smaller too."""
    if math.isinf(effect):
        return "nothing"
    if one.endpoint.is_relative:
        return f"{math.ceil(100 * effect)} %"
    return f"{math.ceil(1000 * effect) / 1000:.3f}"


def _margin(one: "Resolution") -> str:
    return f"{100 * one.margin:g} %" if one.endpoint.is_relative else f"{one.margin:g}"


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
