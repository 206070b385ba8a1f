"""Reading YAML 1.2 with places."""

from pathlib import Path

import pytest

from tagsearch.errors import StudyError
from tagsearch.study.yaml_reader import MAX_BYTES, read_source, read_value, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("-7", -7),
        ("0x10", 16),
        ("0o17", 15),
        ("017", 17),
        (".inf", float("inf")),
        ("true", True),
        ("no", "no"),
        ("on", "on"),
        ("2020-01-01", "2020-01-01"),
        ("1_000", "1_000"),
        ("'5'", "5"),
        ("~", None),
        ("", None),
        ("[1, {a: b}]", [1, {"a": "b"}]),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    plain = read_value(text, "here").plain
    assert plain == value
    assert type(plain) is type(value)


def test_a_value_has_the_line_of_its_key_and_an_item_its_own() -> None:
    root = read_yaml("a:\n  b:\n    - 1\n    - 2\n", "f.yaml").value
    assert isinstance(root, dict)
    inner = root["a"].value
    assert isinstance(inner, dict)
    items = inner["b"].value
    assert isinstance(items, list)
    assert [root["a"].place, inner["b"].place, items[1].place] == ["f.yaml:1", "f.yaml:2", "f.yaml:4"]


def test_an_alias_stands_for_its_anchor() -> None:
    assert read_yaml("a: &x {b: 1}\nc: *x\n", "f").plain == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", r"^f:3: duplicate key 'a'; it is set before at f:1$"),
        ("a:\n\tb: 1\n", r"^f:2: not valid YAML: a tab; indent with spaces$"),
        ("a: [1, 2\n", r"^f:2: not valid YAML: "),
        ("a: b: c\n", r"^f:1: not valid YAML: mapping values are not allowed here$"),
        ("a: 1\nb: \x07\n", r"^f:2: not valid YAML: character '\\x07' is not allowed$"),
        ("a: *u\n", r"^f:1: alias \*u stands for nothing written before it$"),
        ("a: 1\nb: !!python/object:os.system {}\n", r"^f:2: YAML tags have no place in a study, got '.*os.system'$"),
        ("a: !!int 3\n", r"^f:1: YAML tags have no place"),
        ("a: {<<: {b: 1}}\n", r"^f:1: merge keys .* are YAML 1.1"),
        ("? [1]\n: 2\n", r"^f:1: a key must be a plain name$"),
        ("a: 1\n---\nb: 2\n", r"^f:\d: a second document begins here"),
        ("a: 12345678901234567890\n", r"^f:1: number 12345678901234567890 is too large$"),
        ('a: "\\ud800"\n', r"^f:1: half a surrogate pair is no character$"),
        ("a: " + "[" * 50 + "]" * 50, r"^f:1: nested more than 24 deep$"),
    ],
)
def test_bad_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        read_yaml(text, "f")


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 12)]
    with pytest.raises(StudyError, match=r"^f:5: more than 20,000 values, aliases written out$"):
        read_yaml("\n".join(lines), "f")


def test_an_alias_inside_its_own_anchor_is_refused() -> None:
    with pytest.raises(StudyError, match=r"alias \*a stands for nothing"):
        read_yaml("a: &a [*a]\n", "f")


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_bytes(b"study: x\nquestion: caf\xe9\n")
    with pytest.raises(StudyError, match=r"s\.yaml:2: a study is UTF-8 text; byte 0xe9 is not$"):
        read_source(tmp_path / "s.yaml")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r":1: a study is a file; this is a folder$"):
        read_source(tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r":1: cannot be read: No such file"):
        read_source(tmp_path / "none.yaml")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(StudyError, match="at most 200,000 bytes; this has 200,001"):
        read_source(tmp_path / "s.yaml")
