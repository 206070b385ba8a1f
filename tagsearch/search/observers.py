"""Who is told what happens to trials: the live table, TensorBoard, the console. Called in the driver only."""

from collections.abc import Mapping, Sequence

from tagsearch.records import Phase, Trial, TrialResult, TrialSpec


class Observer:
    """Does nothing; an observer says what it does at which moment. A trial continued after a crash reports its earlier
    epochs again, starting with `trial_started`."""

    def phase_started(
        self, phase: Phase, *, arms: Sequence[str], n_trials: int, n_slots: int, before: Sequence[Trial]
    ) -> None:
        """`n_trials` includes those that an earlier process has begun or ended: `before`."""

    def trial_started(self, spec: TrialSpec) -> None:
        """Its process begins, maybe again."""

    def epoch_done(self, spec: TrialSpec, row: Mapping[str, float]) -> None:
        """`row`: of its history, see records.HISTORY_COLUMNS."""

    def trial_ended(self, spec: TrialSpec, result: TrialResult) -> None:
        """Its record is on disk."""

    def notice(self, line: str) -> None:
        """Something has happened that is no trial's doing: a machine is lost."""

    def phase_ended(self, phase: Phase) -> None:
        """Also when it was interrupted."""
