"""resolved.yaml reads as the study it was written from."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tagsearch.study.parse import read_study, write_resolved
from tagsearch.study.schema import Study

Read = Callable[..., Study]

STUDIES = {
    "short": "study: x\nfactors: {loss: [bce, focal]}\n",
    "search": "study: x\ntune: {trials_per_arm: 2, tunables: {model: {choice: [cnn1d, cnn2d]}, "
    "model.width: {choice: [8, 9], when: {model: cnn2d}}, lr: {loguniform: [1e-5, 1]}}, asha: {}}\nconfirm: {top: 2}\n",
    "grid": "study: x\nbase: {lr: 1, model.width: 8}\nfactors: {epochs: [3, 4], "
    "loss: [focal, bce, {focal: {gamma: 3}}], optimizer: [{adam: {beta1: 0.8}}, sgd], batch_size: [8, 16]}\n"
    "design: grid\nexclude: [{epochs: 4, loss: bce}, {loss: {focal: {gamma: 3}}, optimizer: sgd}]\n"
    "include: [{epochs: 9}, {loss: {focal: {alpha: 0.5}}}]\n",
    "leave one out": "study: x\nfactors: {loss: [bce, {focal: {gamma: 3}}], model.width: [8, 16]}\n"
    "design: leave_one_out\nhypotheses: [{id: A, text: t, arm: full, than: loss=bce}]\n",
    "explicit": "study: x\nbase: {loss: {focal: {gamma: 1}}}\narms: {a: , b: {loss: bce}, c: {loss.gamma: 4}}\n"
    "stop: {min_lr: 1e-5}\nsnapshots: [5, 1]\nseed: 4\nalpha: 0.1\nmargins: {pr_auc: 0.2}\ncheckpoint: last\n",
    "extended": "study: x\nfactors: {loss: [bce, focal]}\nconfirm: {seeds: 3, extension: 9}\n",
    "another corpus": "study: x\nfactors: {loss: [bce, focal]}\ndata: {corpus: mtat, path: '1:2', merge: synonyms}\n",
    "padded": "study: x\nfactors: {loss: [bce, focal]}\ndata: {pad: repeat, seed: 2}\n",
    "augmented": "study: x\nbase: {clip_grad_norm: 1, sampler: {power: {exponent: 0}}}\n"
    "factors: {augment: [none, {spec_augment: {freq_masks: 1}}, mixup]}\n"
    "tune: {trials_per_arm: 2, tunables: {augment.alpha: {loguniform: [0.1, 1], when: {augment: mixup}}, "
    "augment.time_masks: {randint: [0, 4], when: {augment: spec_augment}}}}\n",
    "strange text": 'study: "1e-3"\nquestion: "no: # {\\"x\\"}\\n\\ttab \\u2028 \\x85 \\x7f \\U0001F3B5 é \'"\n'
    "factors: {loss: [bce, focal]}\n"
    "hypotheses: [{id: '5', text: 'null', arm: focal}, {id: no, text: '', arm: focal}]\n",
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_resolved_study_reads_as_the_same_study(read: Read, name: str) -> None:
    study = read(STUDIES[name])
    Path("resolved.yaml").write_text(write_resolved(study), encoding="utf-8")
    again = read_study(Path("resolved.yaml"))
    assert dataclasses.replace(again, source=study.source) == study
    assert again.document == study.document


def test_every_default_is_written_out(read: Read) -> None:
    document = yaml.safe_load(write_resolved(read(STUDIES["short"])))
    assert document["base"]["optimizer.momentum"] == 0.9
    assert document["data"] == {"corpus": "builtin", "size": "full", "seed": 0, "pad": "refuse"}
    assert document["confirm"] == {"seeds": 5, "top": 1, "configs": 1}
    assert document["margins"] == {"roc_auc": 0.005, "pr_auc": 0.01, "balance": 0.1}
    assert "tune" not in document


def test_the_profile_is_applied_and_named(read: Read) -> None:
    text = STUDIES["short"] + "profiles: {cpu: {base.epochs: 3}}\n"
    document = yaml.safe_load(write_resolved(read(text, "lr=0.5")))
    assert (document["profile"], document["base"]["epochs"], document["base"]["lr"]) == ("cpu", 3, 0.5)
    assert "profiles" not in document


def test_the_source_is_the_file_as_given(read: Read) -> None:
    text = "# a comment\n" + STUDIES["short"]
    assert read(text).source == text
