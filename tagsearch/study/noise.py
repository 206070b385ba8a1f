"""How much scores scatter, by seed and by the test set's artists: measured in an earlier run, or else assumed.

A run's report holds what its replicates showed (NOISE_FILE, written by `analysis`). A plan takes it from the newest
run of the same study on the same corpus, else from the newest there whose baseline has the same model and epochs (two
epochs scatter otherwise than forty); the seed SD at its upper 80 % bound, since the few seeds it comes from may have
been a lucky draw. Balance counts in natural logarithms of the divergence.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scipy.special import chdtri

from tagsearch.errors import RecordError
from tagsearch.files import read_json
from tagsearch.records import FINAL, list_runs
from tagsearch.study.endpoints import Endpoint
from tagsearch.study.power import Noise
from tagsearch.study.schema import ClaimMetric, Study, TagGroup

log = logging.getLogger(__name__)

NOISE_FILE = Path("report/noise.json")
ASSURANCE = 0.8

# Assumed where nothing is measured. The seed SD of one run:
SEED_SD: Mapping[ClaimMetric, float] = {
    "roc_auc": 0.004,  # the usual size in the field; 0.004 to 0.007 in eight arms of two studies of the built-in corpus
    "pr_auc": 0.008,  # likewise: 0.004 to 0.013
    "balance": 0.16,  # the same eight arms, pooled: 0.10 to 0.24
}
# The standard error, by the artists of the test split, of a difference of two arms' means over seeds, where there are
# N_ARTISTS of them. The variance is taken to fall as 1 / artists.
N_ARTISTS = 75  # in the test split of MagnaTagATune
CLIP_SE: Mapping[ClaimMetric, float] = {
    "roc_auc": 0.0025,  # simulated models on MagnaTagATune's own test labels and artists
    "pr_auc": 0.0054,  # likewise
    "balance": 0.056,  # 0.035 of 189 artists, by bootstrap in the same two studies
}
# Of the mean over fewer than 50 tags, as multiples of the above: sqrt(0.7 + 16 / n) fits random sets of one and of five
# tags of the built-in corpus, and gives the groups of 10, 20 and 20 tags what simulation on MagnaTagATune gave them.
GROUP_SIZES: Mapping[TagGroup, int] = {"head": 10, "mid": 20, "tail": 20}


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the noise of an endpoint comes from. `run`: the earlier run's name; None if assumed."""

    noise: Noise
    run: str | None


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What an earlier run showed, by the endpoint's name."""

    run: str
    noise: Mapping[str, Noise]


def noise_of(endpoint: Endpoint, *, n_artists: int | None, earlier: Earlier | None) -> Source:
    """Measured for this very endpoint; else that of its metric on all tags, scaled; else assumed and scaled. That of a
    snapshot is taken to be the final checkpoint's.

    `n_artists` of the test split, None if unknown; an earlier run knows it better."""
    known = earlier.noise if earlier else {}
    exact, whole = (
        known.get(one.name) for one in (replace(endpoint, checkpoint=FINAL), Endpoint(metric=endpoint.metric))
    )
    run = earlier.run if earlier and (exact or whole) else None
    if exact:
        return Source(noise=exact, run=run)
    base = whole or assumed(endpoint.metric, n_artists)
    factor = group_factor(endpoint.tags)
    if endpoint.beyond:
        factor = math.hypot(factor, group_factor(endpoint.beyond))
    scaled = replace(base, seed_sd=factor * base.seed_sd, clip_variance=factor**2 * base.clip_variance)
    return Source(noise=scaled, run=run)


def assumed(metric: ClaimMetric, n_artists: int | None) -> Noise:
    """On all tags."""
    variance = CLIP_SE[metric] ** 2 * N_ARTISTS / n_artists if n_artists else 0.0
    return Noise(seed_sd=SEED_SD[metric], clip_variance=variance, n_artists=n_artists)


def group_factor(tags: TagGroup | tuple[str, ...]) -> float:
    """How much more the mean over these tags scatters than that over all."""
    if tags == "all":
        return 1.0
    return math.sqrt(0.7 + 16 / (GROUP_SIZES[tags] if isinstance(tags, str) else len(tags)))


def find_earlier(storage: Path, study: Study) -> Earlier | None:
    """Of the runs under `storage`. One whose file is damaged is passed over with a warning."""
    fitting: dict[bool, Earlier] = {}  # the newest, of the study itself or of a like one
    for folder in list_runs(storage):
        if not has_noise(folder):
            continue
        try:
            content = read_json(folder / NOISE_FILE)
            own = content["study"] == study.name
            if content["data"] == dict(study.data) and (own or content["baseline"] == baseline_of(study)):
                fitting[own] = Earlier(run=folder.name, noise=_noise(content))
        except (RecordError, TypeError, KeyError, ValueError) as error:
            log.warning("%s is passed over: %s; `tagsearch summarize %s` writes it anew", NOISE_FILE, error, folder)
    return fitting.get(True) or fitting.get(False)


def baseline_of(study: Study) -> dict[str, object]:
    """What noise depends on most, JSON-ready."""
    return {name: study.baseline.config[name] for name in ("model", "epochs")}


def has_noise(run: Path) -> bool:
    return (run / NOISE_FILE).is_file()


def _noise(content: Mapping[str, Any]) -> Mapping[str, Noise]:
    return {
        row["endpoint"]: Noise(
            seed_sd=upper_bound(row["seed_sd"], row["df"]),
            clip_variance=row["clip_variance"],
            n_artists=content["n_artists"],
        )
        for row in content["endpoints"]
    }


def upper_bound(sd: float, df: float) -> float:
    """Of a normal sample's SD: above the true one in ASSURANCE of all samples."""
    return sd * math.sqrt(df / float(chdtri(df, ASSURANCE)))
