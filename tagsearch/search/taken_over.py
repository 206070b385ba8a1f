"""What a run that goes on takes over from its folder: checked, and told where something is lost."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from tagsearch.errors import RecordError
from tagsearch.files import read_json
from tagsearch.records import Config, Trial, TrialSpec
from tagsearch.study.schema import Study
from tagsearch.training.outcome import CHECKPOINT

log = logging.getLogger(__name__)


def read_chosen(file: Path, study: Study) -> dict[str, list[Config]]:
    """Raises RecordError if it is not what `tune` wrote."""
    way_on = "bring the old file back, or remove it: `tagsearch resume` chooses again from the same trials"
    try:
        content = read_json(file)
        chosen: dict[str, list[Config]] = {
            name: [dict(config) for config in configs] for name, configs in content.items()
        }
    except RecordError as error:
        raise RecordError(f"{error}; {way_on}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise RecordError(f"{file} is damaged: it holds no configurations; {way_on}") from error
    if not chosen or not set(chosen) <= set(study.confirm_arms) or not all(chosen.values()):
        raise RecordError(f"{file} is damaged: it must hold configurations of the study's arms; {way_on}")
    return chosen


def refuse_strangers(trials: Sequence[Trial], planned: Sequence[TrialSpec]) -> None:
    """Raises RecordError if a confirm trial is there that was chosen otherwise."""
    names = {spec.name for spec in planned}
    for trial in trials:
        if trial.spec.name not in names:
            raise RecordError(
                f"{trial.folder} is no trial that the run plans: the choice of its tune phase, or its extension, is "
                "another now; bring tune/chosen.json and extension.json back, or move the trial's folder away"
            )


def tell_of_lost_records(tune: Iterable[Trial]) -> None:
    """Of a tune phase that is over."""
    for trial in tune:
        if trial.result is None:
            log.warning("%s has no record.json, and the tune phase is over: it counts as unfinished", trial.folder)


def tell_of_lost_epochs(trials: Iterable[Trial]) -> None:
    for trial in trials:
        if trial.result is None and trial.history and not (trial.folder / CHECKPOINT).exists():
            log.warning("%s has no checkpoint: its epochs are trained again", trial.folder)
