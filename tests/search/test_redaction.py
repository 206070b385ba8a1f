"""What of a command line is a secret, and what is not."""

import pytest

from tagsearch.registry import CORPORA, DATA
from tagsearch.search.redaction import redacted
from tagsearch.study.settings import all_settings


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (["--address", "ray://ada:hunter2@head:10001"], ["--address", "ray://***@head:10001"]),
        (["data.path=s3://KEYID:hunter2@bucket/a@b"], ["data.path=s3://***@b"]),
        (["--address=https://hunter2@head/path"], ["--address=https://***@head/path"]),
        (["http://head:8265/?token=hunter2&x=1"], ["http://head:8265/?token=***&x=1"]),
        (["token=hunter2"], ["token=***"]),
        (["--auth-token=hunter2"], ["--auth-token=***"]),
        (["--auth-token", "hunter2", "-v"], ["--auth-token", "***", "-v"]),
        (["db.password=hunter2"], ["db.password=***"]),
        (["password=two words, and more"], ["password=***"]),
        (['{"password": "two words", "seed": 3}'], ['{"password": ***, "seed": 3}']),
        (["s3://KEYID:sl/ash@bucket"], ["s3://***@bucket"]),
        (["aws_secret_access_key=hunter2"], ["aws_secret_access_key=***"]),
        (["s3-key=hunter2"], ["s3-key=***"]),
        (["key=hunter2"], ["key=***"]),
        (["data={path: /a, api_key: hunter2, seed: 3}"], ["data={path: /a, api_key: ***, seed: 3}"]),
        (["WANDB_API_KEY=hunter2"], ["WANDB_API_KEY=***"]),
        (["--passphrase", "hunter2"], ["--passphrase", "***"]),
    ],
)
def test_what_looks_like_a_secret_is_hidden(typed: list[str], kept: list[str]) -> None:
    assert redacted(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "/home/ada/venv/bin/tagsearch", "tune.tunables.lr={loguniform: [1e-4, 1e-1]}", "--data", "mtat=/data/Keys@home",
        "data.labels=keywords.csv", "study=monkey-business", "--address", "http://127.0.0.1:8265", "loss.gamma=2",
        "question=Does the tokenizer help: a key question?",
    ],
)  # fmt: skip
def test_what_a_run_is_told_stays(typed: str) -> None:
    assert redacted([typed]) == [typed]


def test_no_setting_of_a_study_is_taken_for_a_secret() -> None:
    names = {*all_settings(), *DATA, *(knob for corpus in CORPORA.values() for knob in corpus.knobs)}
    typed = [f"{where}{name}=1" for name in names for where in ("", "data.", "tune.tunables.")]
    assert redacted(typed) == typed
