"""A finished run of trials that nobody trained: what an earlier run has for others to take over."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tagsearch.files import write_text
from tagsearch.readings import note_read
from tagsearch.records import (
    CorpusTable,
    State,
    Trial,
    TrialResult,
    TrialSpec,
    read_trials,
    write_history,
    write_result,
    write_scores,
    write_spec,
)
from tagsearch.search.run_folder import open_run
from tagsearch.study.cell_reasons import Now
from tagsearch.study.schema import Study
from tagsearch.study.settings import changed
from tagsearch.study.trained_by import TrainedBy, note_trained_by
from tagsearch.study.trials import chosen_configs, confirm_trials, tune_order
from tests.fake_corpus import make_table

TABLE = make_table(n_train=4, n_valid=3, n_test=3)
NOW: TrainedBy = {"device": "cpu", "python": "3.11", "torch": "2.11.0", "training/loop.py": "00000001"}
STUDY = """\
study: mine
factors: {loss: [bce, focal]}
base: {epochs: 9}
tune:
  trials_per_arm: 3
  search: random
  tunables: {lr: {loguniform: [1.0e-4, 1.0e-1]}}
  asha: {grace_period: 1, reduction_factor: 3}
confirm: {seeds: 2}
hypotheses: [{id: H, text: It helps, arm: focal}]
"""


def write_source(
    folder: Path,
    study: Study,
    *,
    states: Mapping[str, State | None] | None = None,
    now: Now = lambda config: NOW,
    table: CorpusTable = TABLE,
) -> list[Trial]:
    """A finished run of `study` in `folder`; its trials. The best learning rate of every arm is that of its trial 1;
    its trial 2 was stopped by ASHA. `states`: of "<phase>/<arm>/<index>", None for one that has not ended."""
    open_run(folder, study, table, device="cpu")
    for arm, index in tune_order(study):
        config = changed({a.name: a.config for a in study.tune_arms}[arm], {"lr": 0.01 * (index + 1)})
        spec = TrialSpec(
            phase="tune",
            arm=arm,
            index=index,
            seed=study.tune_seed(index),
            config=config,
            proposal={"lr": config["lr"]},
        )
        state = State.STOPPED if index == 2 else State.COMPLETED
        write_ended(folder, spec, best=0.5 - 0.1 * (index != 1), state=state, states=states, now=now)
    chosen = chosen_configs(study, list(read_trials(folder, "tune")))
    for spec in confirm_trials(study, chosen, study.confirm_seeds):
        write_ended(folder, spec, best=0.5, state=State.COMPLETED, states=states, now=now)
    return [*read_trials(folder, "tune"), *read_trials(folder, "confirm")]


def write_ended(
    folder: Path,
    spec: TrialSpec,
    *,
    best: float,
    state: State,
    states: Mapping[str, State | None] | None = None,
    now: Now = lambda config: NOW,
) -> None:
    """One trial; `state` unless `states` has another one for it."""
    home, ended = folder / spec.phase / spec.name, (states or {}).get(f"{spec.phase}/{spec.arm}/{spec.index}", state)
    write_spec(home, spec)
    note_trained_by(home, now(spec.config))
    epochs = 3 if ended is State.STOPPED else spec.epochs
    rows = [{"epoch": epoch, "valid/pr_auc": best, "seconds": 0.1} for epoch in range(1, epochs + 1)]
    write_history(home, rows, {})
    if ended is None:
        return
    result = TrialResult(state=ended, epochs=epochs, best=best, last=best, best_epoch=epochs)
    if spec.phase == "confirm" and ended is State.COMPLETED:
        note_read(home, split="test", checkpoint="final", weights_sha256=spec.name)
        scores = write_scores(home, {"test/final": [[0.0]], "valid/final": [[0.0]]})
        result = replace(
            result, scores_sha256=scores, weights_sha256={"final": spec.name}, checkpoints={"final": epochs}
        )
    write_result(home, result)
    write_text(home / "events.out.tfevents.1", "curves")
