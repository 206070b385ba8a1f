"""Whatever a file holds, reading it gives a Study or a StudyError of one line."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tagsearch.errors import StudyError
from tagsearch.registry import COMPONENTS, TRAINING
from tagsearch.study.parse import READERS, read_study, write_resolved
from tagsearch.study.resolved import _lines
from tagsearch.study.settings import all_settings, changed

KEYS = (
    *READERS,
    *all_settings(),
    *("profiles", "cpu", "gpu", "trials_per_arm", "tunables", "asha", "search", "when", "uniform", "randint", "choice"),
    *("grace_period", "seeds", "top", "corpus", "path", "patience", "id", "text", "any", "arm", "parts", "margin"),
)
WORDS = ("bce", "focal", "cnn1d", "cnn2d", "shuffle", "builtin", "grid", "explicit", "search", "x", "", "no", "a b")

scalars = st.one_of(
    st.sampled_from(WORDS),
    st.none(),
    st.booleans(),
    st.integers(-5, 50),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(blacklist_categories=("Cs",)), max_size=5),
)
keys = st.one_of(st.sampled_from(KEYS), st.text(st.characters(blacklist_categories=("Cs",)), max_size=3))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
sections = st.fixed_dictionaries(
    {"study": st.just("x")},
    optional={
        "base": st.dictionaries(st.sampled_from(all_settings()), values, max_size=3),
        "factors": st.dictionaries(st.sampled_from(all_settings()), st.lists(values, max_size=3), max_size=3),
        "arms": st.dictionaries(
            keys, st.dictionaries(st.sampled_from(all_settings()), scalars, max_size=2), max_size=3
        ),
        "design": st.sampled_from(["grid", "one_factor", "leave_one_out"]),
        "include": st.lists(st.dictionaries(st.sampled_from(all_settings()), scalars, max_size=2), max_size=2),
        "exclude": st.lists(st.dictionaries(st.sampled_from(all_settings()), scalars, max_size=2), max_size=2),
        "tune": st.fixed_dictionaries(
            {"trials_per_arm": st.just(2)},
            optional={
                "tunables": st.dictionaries(
                    st.sampled_from(all_settings()),
                    st.dictionaries(st.sampled_from(["uniform", "choice", "when", "randint"]), values, max_size=2),
                    max_size=3,
                ),
                "asha": values,
            },
        ),
        "hypotheses": values,
        "profiles": st.dictionaries(st.just("cpu"), values, max_size=1),
        "snapshots": values,
        "confirm": values,
    },
)
documents = st.dictionaries(keys, values, max_size=6) | sections

PLAUSIBLE: dict[str, list[object]] = {
    "model": ["cnn1d", "cnn2d", {"cnn2d": {"width": 8}}],
    "model.width": [8, 16, 32],
    "loss": ["bce", "focal", {"focal": {"gamma": 3}}, "bce_triplet"],
    "loss.gamma": [1, 2.0, 3],
    "sampler": ["shuffle", "tag_uniform"],
    "optimizer": ["sgd", "adam", {"adam": {"beta1": 0.8}}],
    "schedule": ["constant", {"one_cycle": {"warmup": 0.1}}],
    "schedule.warmup": [0.1, 0.2],
    "lr": [0.1, 1, 1e-3],
    "epochs": [5, 10, 20],
    "batch_size": [8, 16],
}
SIMPLE = {name: [value for value in pool if not isinstance(value, dict)] for name, pool in PLAUSIBLE.items()}


def some(pools: dict[str, list[object]], n: int) -> st.SearchStrategy[dict[str, object]]:
    """Up to n settings, each with one of its plausible values."""
    return st.lists(st.sampled_from(list(pools)), max_size=n, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: st.sampled_from(pools[name]) for name in names})
    )


def level_lists(n: int) -> st.SearchStrategy[dict[str, object]]:
    names = st.lists(st.sampled_from(list(PLAUSIBLE)), min_size=1, max_size=n, unique=True)
    lists = {name: st.permutations(pool).map(lambda levels: levels[:2]) for name, pool in PLAUSIBLE.items()}
    return names.flatmap(lambda names: st.fixed_dictionaries({name: lists[name] for name in names}))


def tunables(n: int) -> st.SearchStrategy[dict[str, object]]:
    names = st.lists(st.sampled_from(list(SIMPLE)), min_size=1, max_size=n, unique=True)
    when = st.fixed_dictionaries({}, optional={"when": some(SIMPLE, 1).filter(bool)})
    one = {name: when.map(lambda w, name=name: {"choice": SIMPLE[name], **w}) for name in SIMPLE}
    return names.flatmap(lambda names: st.fixed_dictionaries({name: one[name] for name in names}))


tune = st.fixed_dictionaries(
    {"trials_per_arm": st.just(2), "tunables": tunables(4)}, optional={"asha": st.just({"grace_period": 4})}
)
common = {
    "base": some(PLAUSIBLE, 2),
    "stop": st.just({"patience": 2}),
    "snapshots": st.just([3]),
    "hypotheses": st.just([{"id": "H", "text": "t", "arm": "a", "than": "b"}]),
}
designs = st.sampled_from(["grid", "one_factor", "leave_one_out"])
nearly_valid = st.one_of(
    st.fixed_dictionaries(
        {"study": st.just("x"), "factors": level_lists(3), "design": designs},
        optional={
            **{key: common[key] for key in ("base", "snapshots")},
            "include": some(PLAUSIBLE, 2).map(lambda match: [match]),
            "exclude": some(PLAUSIBLE, 2).map(lambda match: [match]),
            "tune": tune,
        },
    ),
    st.fixed_dictionaries(
        {"study": st.just("x"), "arms": st.fixed_dictionaries({"a": some(PLAUSIBLE, 2), "b": some(PLAUSIBLE, 2)})},
        optional={**common, "tune": tune},
    ),
    st.fixed_dictionaries({"study": st.just("x"), "tune": tune}, optional={**common, "confirm": st.just({"top": 2})}),
)

fast = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(path: Path, overrides: tuple[str, ...] = ()) -> None:
    """A study that is read can be resolved and read again; anything else is one line."""
    try:
        study = read_study(path, overrides=overrides)
    except StudyError as error:
        message = str(error)
        assert message.startswith((f"{path}:", "override ")), message
        assert "\n" not in message
        return
    again = path.with_name("again.yaml")
    again.write_text(write_resolved(study), encoding="utf-8")
    assert dataclasses.replace(read_study(again), source=study.source) == study


@given(document=documents)
@example(document={})
@fast
def test_random_documents_raise_nothing_but_study_errors(tmp_path: Path, document: dict[str, object]) -> None:
    (tmp_path / "s.yaml").write_text("\n".join(_lines(document, "")), encoding="utf-8")
    check(tmp_path / "s.yaml")


@given(document=nearly_valid, seed=st.integers(0, 5))
@settings(fast, max_examples=300)
def test_whatever_a_tunable_draws_exists_in_the_configuration(
    tmp_path: Path, document: dict[str, object], seed: int
) -> None:
    """Drawn in order, each tunable that applies sets a setting the configuration then has, and in its range."""
    (tmp_path / "s.yaml").write_text("\n".join(_lines(document, "")), encoding="utf-8")
    try:
        study = read_study(tmp_path / "s.yaml")
    except StudyError:
        return
    generator = np.random.default_rng(seed)
    for arm in study.arms:
        config = dict(arm.config)
        for tunable in study.tune.tunables if study.tune else ():
            if tunable.applies(config):
                assert tunable.name in config
                value = tunable.choices[generator.integers(len(tunable.choices))]
                config = changed(config, {tunable.name: value})
        components = {f"{kind}.{knob}" for kind in COMPONENTS for knob in COMPONENTS[kind][str(config[kind])].knobs}
        assert set(config) == {*COMPONENTS, *TRAINING, *components}


@given(document=nearly_valid)
@settings(fast, max_examples=300)
def test_nearly_valid_documents_give_studies_or_study_errors(tmp_path: Path, document: dict[str, object]) -> None:
    (tmp_path / "s.yaml").write_text("\n".join(_lines(document, "")), encoding="utf-8")
    check(tmp_path / "s.yaml")


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
@fast
def test_random_bytes_raise_nothing_but_study_errors(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.yaml").write_bytes(content)
    check(tmp_path / "s.yaml")


yaml_like = st.text(st.sampled_from(list("ab1: -[]{}&*!|>%@`\"'#,?\n\t.~=<")), max_size=60)


@given(text=yaml_like)
@settings(fast, max_examples=300)
def test_random_punctuation_raises_nothing_but_study_errors(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    check(tmp_path / "s.yaml")


@given(
    key=st.sampled_from(KEYS) | st.text(max_size=8),
    tail=st.sampled_from(KEYS),
    value=yaml_like | st.sampled_from(WORDS),
)
@fast
def test_random_overrides_raise_nothing_but_study_errors(tmp_path: Path, key: str, tail: str, value: str) -> None:
    (tmp_path / "s.yaml").write_text("study: x\nbase: {loss: focal}\narms: {a: , b: {lr: 1}}\nhypotheses: []\n")
    check(tmp_path / "s.yaml", (f"{key}={value}",))
    check(tmp_path / "s.yaml", (f"{key}.{tail}={value}",))


def test_a_deep_file_is_refused_quickly(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("study: " + "[" * 5_000)
    with pytest.raises(StudyError, match=r"s\.yaml:1: "):
        read_study(tmp_path / "s.yaml")
