"""What would decide what is open, in plain words."""

from collections.abc import Sequence

from analysis.verdict.judgement import Member, Needs, PartVerdict
from analysis.verdict.outcomes import Outcome, Verdict
from analysis.verdict.words import listed

FAR_TOO_MANY = 20  # times the test artists there are


def next_step(verdict: Verdict, parts: Sequence[PartVerdict], needs: Needs, *, n_seeds: int, grade: str) -> str:
    """Empty where nothing is open."""
    if grade == "D":
        return "Run five seeds an arm: single numbers cannot tell a method from luck."
    members = [m for part in parts if part.outcome is Outcome.OPEN for m in part.members if m.outcome is Outcome.OPEN]
    unscored = [claim.endpoint.name for member in members for claim in member.claims if claim.estimate is None]
    if not members:
        return "Run three seeds or more; five for a verdict of grade A." if verdict is Verdict.INCONCLUSIVE else ""
    if any("rival diverged" in member.flags for member in members):
        return "Tune the arm that diverged, or lower its learning rate, and run the study anew."
    lost = [gate for member in members for gate in member.gates if not gate.passed and gate.blocks == "outcome"]
    if any(gate.id == "G5" and "not finished" in gate.text for gate in lost):
        return "`tagsearch resume` runs the missing seeds."
    if any(gate.id == "G5" for gate in lost):
        return "See why trials failed (`tagsearch status`), mend it and run the study again."
    if lost:
        return "Give the arms the same budget."
    if untrained := [gate.about for member in members for gate in member.gates if gate.id == "G1" and not gate.passed]:
        return f"First train {listed(untrained)} beyond chance: more epochs, or another learning rate."
    if unscored and n_seeds:
        return f"No seeds can decide what has no score: {listed(unscored)}."
    return needed(needs, n_seeds=n_seeds, n_artists=_n_artists(members))


def _n_artists(members: Sequence[Member]) -> int:
    return min((c.estimate.n_clusters for m in members for c in m.claims if c.estimate), default=0)


def needed(needs: Needs, *, n_seeds: int, n_artists: int) -> str:
    if n_artists == 1:
        return "Test on more artists: from a single one nothing follows for others, however many seeds."
    if n_seeds < 2 and needs.seeds is not None:
        return f"Run {needs.seeds} seeds an arm (now {n_seeds}): fewer than two cannot tell a method from luck."
    if needs.seeds is not None:
        return f"About {needs.seeds} seeds an arm ({needs.seeds - n_seeds} more) should decide it."
    if needs.artists is None or needs.artists > FAR_TOO_MANY * n_artists:
        return "The estimate lies too near the margin for more seeds or artists to decide it: ask for another margin."
    return (
        f"Seeds alone cannot decide it: the test split has {n_artists} artists, about {needs.artists} would be needed."
    )
