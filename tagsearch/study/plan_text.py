"""A plan in words."""

from tagsearch.study.component_checks import double_corrections
from tagsearch.study.plan import Plan
from tagsearch.study.schema import Study


def describe(study: Study, plan: Plan) -> str:
    """What `tagsearch plan` prints."""
    lines = [f"study {study.name}: {study.question}".rstrip(": "), f"arms: {', '.join(plan.arms)}"]
    for phase in plan.phases:
        stopped = f" ({phase.most_epochs} if none is stopped)" if phase.expected_epochs < phase.most_epochs else ""
        lines.append(f"{phase.phase:7}  {phase.n_trials:4d} trials  about {phase.expected_epochs:.0f} epochs{stopped}")
    time = duration(plan.seconds)
    disk = f"{plan.disk_bytes / 1e9:.1f} GB of trials and {plan.feature_bytes / 1e9:.1f} GB of cached features"
    lines.append(f"predicted: {time} with {plan.n_slots} trials at a time, {disk} on disk")
    lines += [f"warning: {sentence}" for sentence in double_corrections(study)]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
