"""submit, jobs, logs, stop, in front of a fake job server."""

import re
import shlex
import sys
from pathlib import Path

import pytest
from ray.exceptions import AuthenticationError

from tagsearch.cli import main, study
from tagsearch.cli.jobs import submit as submit_verb
from tagsearch.search import jobs
from tests.fake_jobs import FakeClient, FakeInfo

STUDY = """\
study: mine
factors: {loss: [bce, focal]}
profiles: {cpu: {epochs: 3}, gpu: {epochs: 9}}
"""
PLACE = ("--storage-path", "/mnt/runs")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeClient:
    fake = FakeClient()
    monkeypatch.setattr(jobs, "connect", lambda address: fake)
    for name in ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(STUDY)
    Path("private.txt").write_text("no business of the cluster")
    return fake


def tagsearch(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tagsearch", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def submit(*arguments: str) -> int:
    return tagsearch("submit", "mine.yaml", "--profile", "gpu", *PLACE, *arguments)


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


def test_a_job_is_the_run_that_was_typed_on_the_clusters_storage(client: FakeClient) -> None:
    arguments = (
        "lr=1e-2",
        "--data",
        "mtat=/mnt/a b",
        "--seed",
        "3",
        "--name",
        "first",
        "--gpus-per-trial",
        "0.5",
        "-v",
    )
    assert submit(*arguments) == 0
    assert shlex.split(client.infos["first"].entrypoint) == [
        *("python", "-m", "tagsearch", "run", "mine.yaml"),
        *("lr=1e-2", "data.corpus=mtat", "data.path=/mnt/a b", "seed=3", "--profile", "gpu"),
        *("--name", "first", "--storage-path", "/mnt/runs", "--address", "auto"),
        *("--gpus-per-trial=0.5", "--max-retries=2", "--verbose", "-y"),
    ]


def test_the_study_file_travels_and_nothing_else(client: FakeClient) -> None:
    submit("--name", "first")
    assert client.infos["first"].files == {"mine.yaml": STUDY}


def test_no_environment_variable_of_the_user_travels(client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    submit("--name", "first")
    assert set(client.infos["first"].runtime_env) == {"env_vars", "working_dir"}
    assert client.infos["first"].runtime_env["env_vars"] == {"RAY_JOB_STOP_WAIT_TIME_S": "120"}
    assert "secret" not in client.infos["first"].entrypoint


def test_a_shipped_study_is_found_by_its_name_and_travels_as_it_was_checked(client: FakeClient) -> None:
    assert tagsearch("submit", "smoke", "--profile", "cpu", *PLACE, "--name", "first") == 0
    assert set(client.infos["first"].files) == {"smoke.yaml"}
    assert client.infos["first"].files["smoke.yaml"].endswith("gpu: {base.epochs: 60}\n")


def test_a_job_without_a_name_is_called_by_its_study_and_the_time(client: FakeClient) -> None:
    submit()
    (name,) = client.infos
    assert name.startswith("mine-20")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine.yaml", "--profile", "gpu", "epochs=0", *PLACE], "override 'epochs=0'"),
        (
            ["mine.yaml", "--profile", "gpu", "model=self_attention", *PLACE],
            "model self_attention hears chunks of 15 s, and the clips of corpus builtin last 8 s",
        ),
        (["nothing.yaml", *PLACE], "'nothing.yaml' does not exist"),
        (["mine.yaml", *PLACE], "mine.yaml:3: .* choose the profile: --profile cpu or --profile gpu"),
        (["mine.yaml", "--profile", "gpu"], "say where the cluster keeps its runs: --storage-path"),
        (["mine.yaml", "--profile", "gpu", "--storage-path", "runs"], "--storage-path runs: give the absolute path"),
        (["mine.yaml", "--profile", "gpu", "--storage-path", "s3://bucket"], "s3://bucket: give the absolute path"),
        (
            ["mine.yaml", "--profile", "gpu", "--data", "mtat=music", *PLACE],
            "data.path 'music' is looked up on the clus",
        ),
        (["mine.yaml", "--profile", "gpu", "--name", "a/b", *PLACE], "--name a/b: a job's name has letters"),
        (
            ["mine.yaml", "--profile", "gpu", "--name", "cache", *PLACE],
            "--name 'cache': a run is a folder in the storage",
        ),
        (["--resume", "../first", *PLACE], "--name ../first: a job's name has letters"),
        ([], "submit takes a study file, or --resume RUN"),
        (["mine.yaml", "--resume", "first"], "submit takes a study file, or --resume RUN"),
        (["--resume", "first", "--seed", "3"], "leave its settings out"),
        (["--resume", "first", "--probe", *PLACE], "--probe is no option of `tagsearch resume`; leave it out"),
        (["mine.yaml", "--extend", "seeds=9", *PLACE], "--extend is no option of `tagsearch run`; leave it out"),
        (["--resume", "first"], "remembers no job of first; say where it lies with --storage-path"),
    ],
)
def test_what_cannot_run_is_one_line_and_is_not_submitted(
    client: FakeClient, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert tagsearch("submit", *arguments) == 2
    assert not client.infos
    assert re.search(message, error_of(capsys))


def test_a_name_that_is_taken_is_refused(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    submit("--name", "first")
    assert submit("--name", "first") == 2
    assert "a job 'first' exists at http://127.0.0.1:8265; choose another --name" in error_of(capsys)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (("SUCCEEDED", 0), 0),
        (("FAILED", 1), 1),
        (("FAILED", 2), 2),
        (("FAILED", 3), 3),
        (("FAILED", 4), 4),
        (("STOPPED", None), 4),
        (("FAILED", None), 1),  # the head died
        (("FAILED", 137), 1),  # killed
    ],
)
def test_following_a_job_exits_with_the_runs_own_code(
    client: FakeClient, end: tuple[str, int | None], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    client.ends = end
    assert submit("--name", "first", "--wait") == code
    assert "study mine" in capsys.readouterr().out
    assert tagsearch("logs", "first", "-f") == code


def test_logs_without_following_are_what_there_is(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    submit("--name", "first")
    capsys.readouterr()
    assert tagsearch("logs") == 0
    assert capsys.readouterr().out == "study mine\n"
    assert client.infos["first"].status == "RUNNING"


def test_jobs_are_listed_with_their_outcomes_oldest_first(
    client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two", "three"):
        submit("--name", name)
    client.end("one", "FAILED", 3)
    client.end("two", "STOPPED", None)
    capsys.readouterr()
    assert tagsearch("jobs") == 0
    lines = [line.split(maxsplit=3) for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[3]) for line in lines] == [
        ("one", "done, but some trials failed"),
        ("two", "stopped"),
        ("three", "running"),
    ]


def test_a_job_that_says_half_of_what_ours_say_is_somebody_elses(
    client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.infos["odd"] = FakeInfo("odd", {"tagsearch_run": "odd"})
    assert tagsearch("jobs") == 0
    assert capsys.readouterr().out.startswith("no jobs of tagsearch")


def test_a_stopped_run_is_resumed_where_it_lies_by_a_job_of_its_own(
    client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    submit("--name", "first")
    client.text += "run folder: /mnt/runs/first\n"
    assert tagsearch("stop", "first") == 0
    assert "first: stopped; go on with `tagsearch submit --resume first`" in capsys.readouterr().out
    assert tagsearch("submit", "--resume", "first", "--time-budget-s", "60") == 0
    assert client.infos["first-resumed"].files == {}
    assert shlex.split(client.infos["first-resumed"].entrypoint) == [
        *("python", "-m", "tagsearch", "resume", "first", "--storage-path", "/mnt/runs", "--address", "auto"),
        *("--max-retries=2", "--time-budget-s=60.0"),
    ]
    tagsearch("stop", "first")  # the run's last job
    assert client.infos["first-resumed"].status == "STOPPED"
    assert tagsearch("submit", "--resume", "first") == 0
    assert "first-resumed-2" in client.infos


def test_a_job_that_is_stopped_before_its_run_began_leaves_nothing_to_resume(
    client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    submit("--name", "first")
    assert tagsearch("stop", "first") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("first: stopped; its run had not begun, so there is nothing to resume: submit it again")


def test_every_option_of_run_and_resume_can_be_submitted_but_those_of_this_machine() -> None:
    here = {"file", "run_name", "yes", "dry_run"}
    of_both = {str(parameter.name) for verb in (study.run, study.resume) for parameter in verb.params}
    assert of_both - here <= {parameter.name for parameter in submit_verb.params}
    assert {"probe", "extend", "time_budget_s", "trial_time_limit_s", "max_retries", "quiet"} <= of_both - here


def test_options_travel_under_the_names_that_run_knows(client: FakeClient) -> None:
    submit("--name", "first", "--probe", "-q", "--trial-time-limit-s", "60")
    entrypoint = shlex.split(client.infos["first"].entrypoint)
    assert entrypoint[entrypoint.index("auto") + 1 :] == [
        *("--max-retries=2", "--probe", "--quiet", "--trial-time-limit-s=60.0", "-y")
    ]
    study.run.make_context("run", entrypoint[4:], resilient_parsing=True)


def test_a_finished_run_is_extended_by_a_job(client: FakeClient) -> None:
    assert tagsearch("submit", "--resume", "first", "--extend", "seeds=10", *PLACE) == 0
    assert "--extend=seeds=10" in shlex.split(client.infos["first-resumed"].entrypoint)


def test_zero_is_a_value_and_travels(client: FakeClient) -> None:
    submit("--name", "first", "--max-retries", "0", "--gpus-per-trial", "0")
    assert {"--max-retries=0", "--gpus-per-trial=0.0"} < set(shlex.split(client.infos["first"].entrypoint))


def test_an_option_given_several_times_travels_several_times() -> None:
    assert list(jobs._flags({"--b": (), "--a": ("x", "y z"), "--c": None, "--d": 0})) == ["--a=x", "--a=y z", "--d=0"]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["question=x", "--name", "first", "--python", "/a?token=hunter2"], "/a?token=***"),
        (["data.corpus=folder", "data.path=/s3://me:hunter2@bucket"], "data.path=/s3://***@bucket"),
    ],
)
def test_a_secret_is_not_sent_in_a_command_that_everybody_can_read(
    client: FakeClient, capsys: pytest.CaptureFixture[str], arguments: list[str], shown: str
) -> None:
    assert submit(*arguments) == 2
    assert not client.infos
    message = error_of(capsys)
    assert f"{shown} looks like a secret, and everybody on the cluster" in message
    assert "hunter2" not in message


def test_a_password_in_the_address_is_not_shown(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    assert submit("--address", "http://ada:hunter2@head:8265") == 0
    assert tagsearch("logs", "none", "--address", "http://ada:hunter2@head:8265") == 2
    shown = capsys.readouterr()
    assert "to http://***@head:8265;" in shown.out
    assert "hunter2" not in shown.out + shown.err


def test_a_run_that_goes_on_is_not_resumed_beside_itself(
    client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    submit("--name", "first")
    assert tagsearch("submit", "--resume", "first") == 2
    assert "first is running (job first); `tagsearch stop first` first, or let it end" in error_of(capsys)


def test_what_has_ended_cannot_be_stopped(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    submit("--name", "first")
    client.end("first", "SUCCEEDED", 0)
    assert tagsearch("stop", "first") == 2
    assert "first is not running: done" in error_of(capsys)


def test_a_job_that_is_not_there_is_one_line(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    assert tagsearch("logs", "first") == 2
    assert "no job 'first' at http://127.0.0.1:8265; `tagsearch jobs` lists them" in error_of(capsys)


def test_the_cluster_is_that_of_ray_address_unless_one_is_typed(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "http://head:8265")
    assert tagsearch("jobs") == 0
    assert tagsearch("jobs", "--address", "http://other:1") == 0
    assert (
        capsys.readouterr().out == "no jobs of tagsearch at http://head:8265\nno jobs of tagsearch at http://other:1\n"
    )


def test_ctrl_c_leaves_the_job_alone(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    submit("--name", "first")

    def interrupt(job_id: str) -> None:
        raise KeyboardInterrupt

    client.tail_job_logs = interrupt  # type: ignore[method-assign, assignment]
    capsys.readouterr()
    assert tagsearch("logs", "first", "-f") == 130
    assert "first goes on without being watched" in capsys.readouterr().err
    assert client.infos["first"].status == "RUNNING"


def test_a_cluster_that_does_not_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(address: str) -> None:
        raise ConnectionError(f"Failed to connect to Ray at address: {address}.\nand more")

    monkeypatch.setattr(jobs, "connect", refuse)
    assert tagsearch("jobs", "--address", "http://head:1") == 2
    assert "no Ray cluster takes jobs at http://head:1" in error_of(capsys)


def test_a_cluster_that_asks_for_a_token_says_how_it_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(address: str) -> None:
        raise AuthenticationError("Authentication required: Missing authentication token\n\nand more")

    monkeypatch.setattr(jobs, "connect", refuse)
    assert tagsearch("jobs", "--address", "http://head:1") == 2
    message = error_of(capsys)
    assert "(Authentication required: Missing authentication token); it asks for its token: with RAY_AUTH" in message
    assert "ray dashboard" not in message


def test_an_address_names_no_module_to_be_imported(capsys: pytest.CaptureFixture[str]) -> None:
    assert tagsearch("jobs", "--address", "json://head:8265") == 2
    assert "--address json://head:8265: give the cluster's dashboard as http://HOST:PORT" in error_of(capsys)


def test_a_refusal_of_the_cluster_is_one_line(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(**_: object) -> None:
        raise RuntimeError("Request failed with status code 500: no space.\nTraceback: much")

    client.submit_job = refuse  # type: ignore[method-assign, assignment]
    assert submit("--name", "first") == 1
    assert error_of(capsys).endswith(
        "the Ray cluster at http://127.0.0.1:8265: Request failed with status code 500: no space."
    )


def test_without_the_extra_the_way_on_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(jobs, "find_spec", lambda name: None)
    assert tagsearch("jobs", "--address", "http://head:1") == 2
    assert "jobs need ray[default] (aiohttp is missing); in the checkout: pip install -e '.[cluster]'" in error_of(
        capsys
    )


@pytest.mark.parametrize("verb", ["run", "resume"])
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://head:8265", "RAY_ADDRESS=http://head:8265: a run joins a cluster from one of its machines"),
        ("127.0.0.1:1", "RAY_ADDRESS=127.0.0.1:1: no Ray cluster answers there"),
        ("127.0.0.1:here", "RAY_ADDRESS=127.0.0.1:here: no Ray cluster answers there"),
    ],
)
def test_a_cluster_that_cannot_be_joined_is_told_before_anything_starts(
    verb: str, address: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("runs/first").mkdir(parents=True)
    for name in ("mine.yaml", "runs/first/resolved.yaml"):
        Path(name).write_text("study: mine\nfactors: {loss: [bce, focal]}\n")
    monkeypatch.setenv("RAY_ADDRESS", address)
    assert tagsearch(verb, *(["mine.yaml", "-y"] if verb == "run" else [])) == 2
    assert message in error_of(capsys)
    assert [path.name for path in Path("runs").rglob("*")] == ["first", "resolved.yaml"]


def test_the_typed_address_wins_over_ray_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("study: mine\nfactors: {loss: [bce, focal]}\n")
    monkeypatch.setenv("RAY_ADDRESS", "http://head:8265")
    assert tagsearch("run", "mine.yaml", "-y", "--address", "127.0.0.1:1") == 2
    assert "--address 127.0.0.1:1: no Ray cluster answers there" in error_of(capsys)
