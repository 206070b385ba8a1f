"""How much of a run's wall time is training: python benchmarks/search_efficiency.py RUN

search efficiency = sum of the trials' seconds / (wall seconds x slots), from the first trial's start to the last one's
end, for each phase of a finished run. Aim: tune >= 0.90, confirm >= 0.95. Also per-trial overhead: what a trivial trial
costs in a reused actor beside its epochs (aim <= 30 ms), measured on trials that train nothing.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from tagsearch.records import Phase, read_trials


def phase_efficiency(run: Path, phase: Phase, n_slots: int) -> float | None:
    trials = [trial for trial in read_trials(run, phase) if trial.result is not None]
    if not trials:
        return None
    start = min((trial.folder / "trial.json").stat().st_mtime for trial in trials)
    end = max((trial.folder / "record.json").stat().st_mtime for trial in trials)
    return sum(trial.result.seconds for trial in trials if trial.result) / ((end - start) * n_slots)


def trivial_trial_overhead(n_trials: int) -> dict[str, float]:
    """Milliseconds a trial beside its start-up: the slope between two runs of a phase of trivial trials."""
    few, many = n_trials // 4, n_trials
    seconds = {n: _trivial_phase(n) for n in (few, many)}
    return {"ms_per_trial": 1000 * (seconds[many] - seconds[few]) / (many - few), "start_up_s": seconds[few]}


def _trivial_phase(n_trials: int) -> float:
    from tagsearch.search.phase import Placement, run_phase
    from tagsearch.search.ray_session import ray_session
    from tagsearch.search.tensorboard import TensorBoard
    from tests.fake_trial import TRAIN, specs, tiny_study

    study = tiny_study(trials_per_arm=n_trials)
    with tempfile.TemporaryDirectory() as name, ray_session(address=None, log=Path(name) / "ray.log"):
        start = time.monotonic()
        run_phase(
            "confirm",
            study=study,
            folder=Path(name),
            planned=[lambda spec=spec: spec for spec in specs(study, n_trials, epochs=1)],
            trial_config={"function": TRAIN, "settings": {}},
            placement=Placement(n_slots=2, gpus_per_trial=0.0, max_retries=0, time_budget_s=None),
            observers=[TensorBoard(Path(name))],
        )
        return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="a finished run")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--trials", type=int, default=200)
    arguments = parser.parse_args()
    figures: dict[str, object] = {"trivial trials": trivial_trial_overhead(arguments.trials)}
    if arguments.run:
        for phase in ("tune", "confirm"):
            figures[f"{phase} efficiency"] = phase_efficiency(arguments.run, phase, arguments.slots)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
