"""A driver process for tests of the search: python -m tests.fake_driver RUN '{"arms": [...], "max_concurrent": 1, ...}'

Runs what is missing of a tiny study of fake trials in the folder RUN, with "extend": N after extending it; prints the
class of the error it ends with.
"""

import json
import os
import sys
from pathlib import Path

from tagsearch.errors import TagsearchError
from tagsearch.search.observers import Observer
from tagsearch.search.run import Options, execute
from tagsearch.search.run_folder import extend, resumable
from tagsearch.search.signals import heeded
from tagsearch.search.tensorboard import TensorBoard
from tagsearch.study.extension import wanted_extension
from tests.fake_trial import TRAIN, tiny_study

STDOUT = os.dup(1)  # Ray's log takes the other


class Notices(Observer):
    def notice(self, line: str) -> None:
        os.write(STDOUT, f"{line}\n".encode())


def main(folder: Path, wanted: dict[str, object]) -> None:
    names = (
        "max_concurrent",
        "time_budget_s",
        "max_retries",
        "trial_time_limit_s",
        "gpus_per_trial",
        "address",
        "train",
    )
    options = {name: wanted.pop(name) for name in names if name in wanted}
    seeds = wanted.pop("extend", None)
    study = tiny_study(**{**wanted, "arms": tuple(wanted.get("arms", ("bce", "focal")))})  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with heeded(), resumable(folder):
            if seeds is not None:
                extend(folder, wanted_extension(study, f"seeds={seeds}"))
            execute(
                study,
                folder,
                {"cnn1d": folder},
                options=Options(**{"train": TRAIN, **options}),  # type: ignore[arg-type]
                device="cpu",
                observers=[TensorBoard(folder), Notices()],
            )
    except TagsearchError as error:
        print(f"{type(error).__name__}: {error}")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
