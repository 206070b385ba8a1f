"""The second look."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tagsearch.errors import RecordError, UsageError
from tagsearch.study.extension import (
    EXTENSION_FILE,
    Extension,
    read_extension,
    seeds_of,
    wanted_extension,
    write_extension,
)
from tagsearch.study.schema import Study

Read = Callable[..., Study]
DECLARED = "study: x\nfactors: {loss: [bce, focal]}\nconfirm: {seeds: 5, extension: 10}\n"
UNDECLARED = "study: x\nfactors: {loss: [bce, focal]}\nconfirm: {seeds: 5}\n"


@pytest.mark.parametrize(
    ("text", "wanted", "declared"),
    [(DECLARED, "seeds=10", True), (DECLARED, "seeds=8", False), (UNDECLARED, "seeds=10", False)],
)
def test_an_extension_knows_whether_it_is_the_declared_one(read: Read, text: str, wanted: str, declared: bool) -> None:
    extension = wanted_extension(read(text), wanted)
    assert (f"seeds={extension.seeds}", extension.as_declared) == (wanted, declared)


@pytest.mark.parametrize(
    "text", ["10", "seeds", "seeds=", "seeds=ten", "seeds=-3", "epochs=10", "seeds=1e1", "Seeds=9"]
)
def test_whatever_is_not_a_number_of_seeds_is_refused(read: Read, text: str) -> None:
    with pytest.raises(UsageError, match=r"--extend takes seeds=N, like --extend seeds=10, not "):
        wanted_extension(read(DECLARED), text)


@pytest.mark.parametrize("seeds", [0, 3, 5])
def test_an_extension_to_no_more_than_the_plan_is_refused(read: Read, seeds: int) -> None:
    with pytest.raises(UsageError, match="the study plans 5 seeds an arm; an extension is to more"):
        wanted_extension(read(DECLARED), f"seeds={seeds}")


def test_an_extension_beyond_the_seeds_there_are_is_refused(read: Read) -> None:
    with pytest.raises(UsageError, match=r"seeds must lie in \[1, 1000\], not 1001"):
        wanted_extension(read(DECLARED), "seeds=1001")


def test_an_extension_reads_back_as_written(read: Read, tmp_path: Path) -> None:
    assert read_extension(tmp_path) is None
    extension = wanted_extension(read(DECLARED), "seeds=10")
    write_extension(tmp_path, extension)
    assert read_extension(tmp_path) == extension


@pytest.mark.parametrize("content", ["[]", '{"seeds": 10}', '{"seeds": "10", "as_declared": true, "time": ""}', "{"])
def test_a_damaged_extension_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    (tmp_path / EXTENSION_FILE).write_text(content)
    with pytest.raises(RecordError, match=r"extension\.json is damaged"):
        read_extension(tmp_path)


def test_an_extended_run_keeps_its_seeds_and_has_more(read: Read) -> None:
    study = read(DECLARED, "seed=2")
    extension = Extension(seeds=7, as_declared=False, time="")
    assert seeds_of(study, None) == study.confirm_seeds == (20_001, 20_002, 20_003, 20_004, 20_005)
    assert seeds_of(study, extension) == (20_001, 20_002, 20_003, 20_004, 20_005, 20_006, 20_007)
