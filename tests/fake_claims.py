"""Hypotheses on fake runs, judged."""

from analysis.verdict.judgement import HypothesisVerdict, Member
from tagsearch.study.contrasts import slope, versus
from tagsearch.study.schema import Contrast, Hypothesis, Part
from tests.fake_run import FakeRun, verdicts_of

MARGINS = {"roc_auc": 0.005, "pr_auc": 0.010, "balance": 0.1}
LINE = slope(["a", "b", "c"], [0, 1, 2], name="c over a, fitted in equal steps")
STEPS = (versus("b", "a"), versus("c", "b"))
INTERACTION = Contrast(
    name="(focal - bce) with uniform, less the same with shuffle",
    weights={"focal+uniform": 1.0, "focal+shuffle": -1.0, "bce+uniform": -1.0, "bce+shuffle": 1.0},
)


def part(*contrasts: Contrast, metrics=("roc_auc", "pr_auc"), id="p1", kind="versus", at_least=1, margin=None, **more):
    margins = {metric: MARGINS[metric] if margin is None else margin for metric in metrics}
    return Part(
        id=id, kind=kind, contrasts=contrasts, at_least=at_least, metrics=metrics, margins=margins, written={}, **more
    )


def hypothesis(*parts: Part, **more) -> Hypothesis:
    return Hypothesis(**{"id": "h1", "text": "It helps", "alpha": 0.05, "parts": parts} | more)


def judged(folder, *parts: Part, check=None, alpha=0.05, **run) -> HypothesisVerdict:
    found = hypothesis(*parts, check=check, alpha=alpha)
    (verdict,) = verdicts_of(FakeRun(**{"n_clips": 400} | run, hypotheses=(found,)), folder)
    return verdict


def only_member(verdict) -> Member:
    return verdict.parts[0].members[0]
