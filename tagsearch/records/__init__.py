"""What a run leaves on disk: written by training and search, read by analysis. Needs neither torch nor ray.

Layout of a run folder (every file is written atomically; nothing here is ever unpickled):

    study.yaml  resolved.yaml  lock.json  environment.json  corpus.npz  trials.csv  report/
    extension.json how many seeds the run was extended to, if it was, see tagsearch.study.extension
    reuse.json     whose trials it takes over, if it does, see tagsearch.study.adopted
    plan.json      what was predicted before the start: trials, epochs, seconds, disk, smallest effects
    bad_files.csv  clips that were left out, if any: path and reason
    excerpts/      a few seconds of test audio for every tag, see tagsearch.excerpts
    tune/<trial>/  confirm/<trial>/
        trial.json     what was to be run (TrialSpec), written before it starts
        history.json   one row an epoch (see HISTORY_COLUMNS)
        per_tag.npz    roc_auc, pr_auc: float32 (n_epochs, n_tags), validation, NaN where a tag is undefined
        draws.npz      clips: int32 (n_train,), how often each training clip was drawn so far; tags: int64 (n_tags,),
                       how often each tag came with them
        record.json    how it ended (TrialResult); its presence means: finished, never to be redone
        trained_by.jsonl  which code, torch and device trained it, see tagsearch.study.trained_by
        adopted.json   if it was taken over from another run: which, see tagsearch.study.adopted
        reads.jsonl    confirm only: which checkpoints met the test split, see tagsearch.readings
        scores.npz     confirm only: float32 logits (n_clips, n_tags) as "<split>/<checkpoint>", rows as in corpus.npz

Conventions: seconds are wall seconds; epochs count from 1; ROC AUC and PR AUC (average precision) are fractions.
"""

from tagsearch.records.corpus_table import SPLITS, CorpusTable, Split, read_corpus
from tagsearch.records.results import (
    FINAL,
    HISTORY_COLUMNS,
    MEASURES,
    Config,
    Phase,
    State,
    TrialResult,
    TrialSpec,
    chosen_epoch,
    result_from_history,
)
from tagsearch.records.trials import (
    DRAWS_FILE,
    SCORES_FILE,
    Draws,
    Trial,
    history_so_far,
    is_run,
    list_runs,
    read_history,
    read_result,
    read_spec,
    read_trial,
    read_trials,
)
from tagsearch.records.writing import write_draws, write_history, write_result, write_scores, write_spec
from tagsearch.registry import Scalar

__all__ = [
    "DRAWS_FILE",
    "FINAL",
    "HISTORY_COLUMNS",
    "MEASURES",
    "SCORES_FILE",
    "SPLITS",
    "Config",
    "CorpusTable",
    "Draws",
    "Phase",
    "Scalar",
    "Split",
    "State",
    "Trial",
    "TrialResult",
    "TrialSpec",
    "chosen_epoch",
    "history_so_far",
    "is_run",
    "list_runs",
    "read_corpus",
    "read_history",
    "read_result",
    "read_spec",
    "read_trial",
    "read_trials",
    "result_from_history",
    "write_draws",
    "write_history",
    "write_result",
    "write_scores",
    "write_spec",
]
