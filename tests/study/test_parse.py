"""The study file as a whole: defaults, types, ranges, and mistakes with their lines."""

from collections.abc import Callable

import pytest

from tagsearch.errors import StudyError
from tagsearch.study.schema import Asha, Confirm, Stop, Study

Read = Callable[..., Study]
SHORT = "study: x\nfactors:\n  loss: [bce, focal]\n"
SEARCH = "study: x\ntune:\n  trials_per_arm: 4\n  tunables:\n    lr: {loguniform: [1e-4, 1e-1]}\n"


def test_a_short_study_gets_every_default(read: Read) -> None:
    study = read(SHORT)
    assert (study.name, study.question, study.design, study.seed) == ("x", "", "one_factor", 0)
    assert study.data == {"corpus": "builtin", "size": "full", "seed": 0, "pad": "refuse"}
    assert (study.tune, study.confirm, study.stop, study.snapshots) == (None, Confirm(), Stop(), ())
    assert (study.objective, study.direction, study.checkpoint) == ("valid/pr_auc", "max", "best")
    assert study.base == {
        "model": "cnn1d",
        "model.width": 32,
        "loss": "bce",
        "loss.smoothing": 0.0,
        "sampler": "shuffle",
        "augment": "none",
        "optimizer": "sgd",
        "optimizer.momentum": 0.9,
        "optimizer.weight_decay": 0.0,
        "schedule": "constant",
        "lr": 1e-3,
        "epochs": 10,
        "batch_size": 16,
        "clip_grad_norm": 0.0,
        "precision": "float32",
        "channels_last": True,
    }


def test_everything_written_is_read(read: Read) -> None:
    study = read(
        SHORT
        + "question: Why?\ndata: {corpus: mtat, path: /music}\nseed: 3\nobjective: valid/loss\ncheckpoint: last\n"
        + "confirm: {seeds: 2}\nstop: {patience: 3}\nsnapshots: [8, 2]\n"
    )
    data = {"corpus": "mtat", "path": "/music", "split": "12:1:3", "tags": "top50", "merge": "none", "pad": "refuse"}
    assert (study.question, study.data, study.seed) == ("Why?", data, 3)
    assert (study.direction, study.checkpoint, study.confirm.seeds) == ("min", "last", 2)
    assert (study.stop, study.snapshots) == (Stop(patience=3), (2, 8))


def test_a_knob_may_be_nested_or_dotted(read: Read) -> None:
    factor = "factors:\n  sampler: [shuffle, tag_uniform]\n"
    nested = read("study: x\nbase: {loss: {focal: {gamma: 1}}}\n" + factor)
    dotted = read("study: x\nbase: {loss: focal, loss.gamma: 1.0}\n" + factor)
    assert nested.base == dotted.base
    assert nested.base["loss.gamma"] == 1.0
    assert nested.base["loss.alpha"] == 0.25


def test_a_whole_number_is_a_number_where_one_is_wanted(read: Read) -> None:
    study = read("study: x\nfactors: {lr: [1, 1e-2]}\n")
    assert [arm.config["lr"] for arm in study.arms] == [1.0, 0.01]
    assert type(study.arms[0].config["lr"]) is float


def test_the_word_no_is_a_name_where_a_name_is_wanted(read: Read) -> None:
    assert read(SHORT + "question: no\n").question == "no"


def test_an_empty_key_is_as_if_left_out(read: Read) -> None:
    assert read(SHORT + "tune:\nstop:\n") == read(SHORT + "tune:\nstop:\n", "tune=null")


def test_tune_is_read_with_its_scheduler(read: Read) -> None:
    tune = read(SHORT + SEARCH.partition("\n")[2] + "  asha: {grace_period: 2}\n").tune
    assert tune is not None
    assert (tune.trials_per_arm, tune.search, tune.asha) == (4, "optuna", Asha(grace_period=2, reduction_factor=3))


def test_without_factors_and_arms_it_is_a_pure_search(read: Read) -> None:
    study = read(SEARCH + "confirm: {top: 2}\n")
    assert study.design == "search"
    assert [arm.name for arm in study.arms] == ["baseline"]
    assert study.confirm_arms == ("baseline", "search-1", "search-2")


MISTAKES = {
    "empty file": ("", r"^s\.yaml:1: the study is empty"),
    "comments only": ("# nothing\n", r"^s\.yaml:1: the study is empty"),
    "not a mapping": ("- a\n", r"^s\.yaml:1: a study must be a mapping .*, not \['a'\]$"),
    "no name": ("factors: {loss: [bce, focal]}\n", r"^s\.yaml:1: a study needs a name"),
    "unknown key": ("study: x\nfactor: {}\n", r"^s\.yaml:2: unknown key 'factor'; did you mean 'factors'\?"),
    "name for no folder": ("study: a/b\n", r"^s\.yaml:1: the study's name is made of letters.*, not 'a/b'$"),
    "name is a number": ("study: 3\n", r"^s\.yaml:1: the study's name must be text, not 3$"),
    "nothing to do": ("study: x\n", r"^s\.yaml:1: nothing is compared or searched"),
    "unknown component": (
        "study: x\nbase:\n  loss: focl\n",
        r"^s\.yaml:3: no loss is called 'focl'; did you mean 'focal'\?",
    ),
    "no as a component": ("study: x\nbase: {sampler: no}\n", r"^s\.yaml:2: no sampler is called 'no'"),
    "unknown setting": (
        "study: x\nbase:\n  epoch: 3\n",
        r"^s\.yaml:3: base: 'epoch' is no setting; did you mean 'epochs'\?",
    ),
    "unknown nested knob": (
        "study: x\nbase:\n  loss:\n    focal:\n      gama: 3\n",
        r"^s\.yaml:5: loss 'focal' has no knob 'gama'; did you mean 'gamma'\?",
    ),
    "knob of another component": (
        "study: x\nbase:\n  loss.gamma: 3\nfactors: {lr: [1e-3, 1e-2]}\n",
        r"^s\.yaml:3: loss 'bce' has no knob 'gamma'; known: smoothing$",
    ),
    "knob of a component without knobs": (
        "study: x\nbase:\n  sampler.exponent: 1\nfactors: {lr: [1e-3, 1e-2]}\n",
        r"^s\.yaml:3: sampler 'shuffle' has no knob 'exponent', nor any other$",
    ),
    "knob set twice": (
        "study: x\nbase:\n  loss: {focal: {gamma: 1}}\n  loss.gamma: 2\n",
        r"^s\.yaml:4: loss\.gamma is set twice, first at s\.yaml:3$",
    ),
    "component as in other tools": (
        "study: x\nbase: {loss: {name: focal, gamma: 2}}\n",
        r"^s\.yaml:2: loss is written `name` or `\{name: \{knob: value\}\}`",
    ),
    "component is a number": ("study: x\nbase: {loss: 3}\n", r"^s\.yaml:2: the name of the loss must be text, not 3$"),
    "out of range": ("study: x\nbase: {lr: -1}\n", r"^s\.yaml:2: lr must lie in \[1e-08, 100\], not -1"),
    "not a number": ("study: x\nbase: {lr: .nan}\n", r"^s\.yaml:2: lr must lie in .*, not nan$"),
    "infinite": ("study: x\nbase: {lr: 1e999}\n", r"^s\.yaml:2: lr must lie in .*, not inf$"),
    "wrong type": ("study: x\nbase: {epochs: ten}\n", r"^s\.yaml:2: epochs must be a whole number, not 'ten'$"),
    "a fraction": ("study: x\nbase: {epochs: 2.5}\n", r"^s\.yaml:2: epochs must be a whole number, not 2\.5$"),
    "a truth value": ("study: x\nbase: {epochs: true}\n", r"^s\.yaml:2: epochs must be a whole number, not True$"),
    "a list": ("study: x\nbase: {epochs: [1]}\n", r"^s\.yaml:2: epochs must be a single value like 10, not \[1\]$"),
    "nothing": ("study: x\nbase: {epochs: }\n", r"^s\.yaml:2: epochs must be a single value like 10, not nothing$"),
    "negative seeds": (
        SHORT + "confirm: {seeds: -1}\n",
        r"^s\.yaml:4: confirm\.seeds must lie in \[1, 1000\], not -1$",
    ),
    "unknown corpus": (SHORT + "data: {corpus: mtt}\n", r"^s\.yaml:4: no corpus is called 'mtt'; did you mean 'mtat'"),
    "knob of another corpus": (SHORT + "data: {path: x}\n", r"^s\.yaml:4: corpus 'builtin' has no knob 'path'"),
    "corpus knob": (SHORT + "data: {size: big}\n", r"^s\.yaml:4: data\.size must be one of full, small, not 'big'$"),
    "tag set": (
        SHORT + "data:\n  corpus: mtat\n  tags: topp\n",
        r"^s\.yaml:6: data\.tags must be all, or top<N> for the N most frequent tags, as in top50, not 'topp'$",
    ),
    "split": (
        SHORT + "data: {corpus: mtat, split: 13:1:3}\n",
        r"^s\.yaml:4: data\.split must be one of 12:1:3, filtered",
    ),
    "objective": (SHORT + "objective: valid/auc\n", r"^s\.yaml:4: objective cannot be 'valid/auc'; did you mean"),
    "checkpoint": (SHORT + "checkpoint: first\n", r"^s\.yaml:4: checkpoint cannot be 'first'"),
    "alpha": (SHORT + "alpha: 0.9\n", r"^s\.yaml:4: alpha must lie in \[1e-06, 0\.5\], not 0\.9$"),
    "margin": (SHORT + "margins: {roc: 1}\n", r"^s\.yaml:4: margin has no key 'roc'; did you mean 'roc_auc'\?"),
    "seed": (SHORT + "seed: 1.5\n", r"^s\.yaml:4: seed must be a whole number, not 1\.5$"),
    "stop rule": (SHORT + "stop: {patient: 3}\n", r"^s\.yaml:4: stop has no key 'patient'; did you mean 'patience'"),
    "snapshot too late": (SHORT + "snapshots:\n  - 3\n  - 11\n", r"^s\.yaml:6: snapshot 11 is beyond .* 10$"),
    "snapshot twice": (SHORT + "snapshots: [3, 3]\n", r"^s\.yaml:4: snapshots names 3 twice$"),
    "snapshot zero": (SHORT + "snapshots: [0]\n", r"^s\.yaml:4: a snapshot's epoch must lie in \[1, 100000\], not 0$"),
    "stop where epochs is a factor": (
        "study: x\nfactors: {epochs: [10, 20]}\nstop: {patience: 3}\n",
        r"^s\.yaml:3: stop would end trials early where epochs is compared or tuned",
    ),
    "stop where epochs is tuned": (
        "study: x\ntune: {trials_per_arm: 2, tunables: {epochs: {choice: [1, 2]}}}\nstop: {min_lr: 1e-5}\n",
        r"^s\.yaml:3: stop would end trials early",
    ),
    "extension to fewer": (
        SHORT + "confirm: {seeds: 5, extension: 5}\n",
        r"^s\.yaml:4: confirm\.extension is the number of seeds after a second look: more than .*, 5, not 5$",
    ),
    "top outside a search": (SHORT + "confirm: {top: 2}\n", r"^s\.yaml:4: confirm\.top belongs to a pure search"),
    "tune without budget": (
        SHORT + "tune:\n  tunables: {lr: {uniform: [0.1, 1]}}\n",
        r"^s\.yaml:4: tune needs trials_per_arm",
    ),
    "tune without tunables": (SHORT + "tune: {trials_per_arm: 2}\n", r"^s\.yaml:4: tune needs tunables"),
    "search": (SEARCH + "  search: bayes\n", r"^s\.yaml:6: tune\.search cannot be 'bayes'"),
    "grace too long": (
        SEARCH + "  asha:\n    grace_period: 10\n",
        r"^s\.yaml:7: asha\.grace_period 10 must be below the epochs of every arm, here 10$",
    ),
    "grace beyond a tuned budget": (
        SEARCH + "    epochs: {choice: [4, 8]}\n  asha: {grace_period: 4}\n",
        r"^s\.yaml:7: asha\.grace_period 4 must be below the epochs of every arm, here 4$",
    ),
    "reduction": (
        SEARCH + "  asha: {reduction_factor: 1}\n",
        r"^s\.yaml:6: asha\.reduction_factor must lie in \[2, 100\]",
    ),
    "a tab": ("study: x\nbase:\n\tlr: 1\n", r"^s\.yaml:3: not valid YAML: a tab"),
    "a duplicate key": ("study: x\nstudy: y\n", r"^s\.yaml:2: duplicate key 'study'"),
}


def test_a_declared_extension_is_read_and_taken_back(read: Read) -> None:
    text = SHORT + "confirm: {seeds: 4, extension: 8}\n"
    assert (read(text).confirm.extension, len(read(text).confirm_seeds)) == (8, 4)
    assert read(text, "confirm.extension=null").confirm.extension is None


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_line(read: Read, mistake: str) -> None:
    text, message = MISTAKES[mistake]
    with pytest.raises(StudyError, match=message) as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_of_several_mistakes_the_first_in_the_file_is_reported(read: Read) -> None:
    with pytest.raises(StudyError, match=r"^s\.yaml:2: "):
        read("study: x\nobjective: a\nbase: {lr: x}\nseed: y\n")
    with pytest.raises(StudyError, match=r"^s\.yaml:2: "):
        read("study: x\nseed: y\nbase: {lr: x}\nobjective: a\n")
