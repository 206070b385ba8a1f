"""The plan as a run keeps it, to be compared with what came of it: PLAN_FILE in the run folder."""

import math
from dataclasses import asdict

from tagsearch.study.plan import Plan
from tagsearch.study.resolution import Resolution

PLAN_FILE = "plan.json"


def plan_record(plan: Plan) -> dict[str, object]:
    """JSON-ready. Seconds are wall seconds over all slots; effects are null where no size would be found."""
    return {
        "n_slots": plan.n_slots,
        "feature_bytes": plan.feature_bytes,
        "phases": [asdict(phase) for phase in plan.phases],
        "power": [_power_record(one) for one in plan.power],
        "probed": [asdict(one) for one in plan.probed],
    }


def _power_record(one: Resolution) -> dict[str, object]:
    noise = one.source.noise
    return {
        "hypothesis": one.hypothesis,
        "part": one.part,
        "metric": one.endpoint.metric,
        "endpoint": one.endpoint.name,
        "smallest_effect": one.smallest_effect if math.isfinite(one.smallest_effect) else None,
        "floor": one.floor if math.isfinite(one.floor) else None,
        "margin": one.margin,
        "n_seeds": one.n_seeds,
        "seeds_needed": one.seeds_needed,
        "source": one.source.run or "assumed",
        "seed_sd": noise.seed_sd,
        "clip_variance": noise.clip_variance,
        "n_artists": noise.n_artists,
    }
