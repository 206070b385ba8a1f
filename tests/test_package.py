"""What a user has after installing: both packages, the shipped studies, and a word when a folder hides `analysis`."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def python(*arguments: str, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path) if path else ""}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, env=environment)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, as pip would lay it into site-packages."""
    dist, site = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("site")
    built = python("-m", "hatchling", "build", "-t", "wheel", "-d", str(dist), cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = dist.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    return site


def test_the_wheel_holds_both_packages_and_the_shipped_studies(installed: Path, tmp_path: Path) -> None:
    code = (
        "import tagsearch, analysis; from tagsearch.study.parse import find_study;"
        "print(tagsearch.__file__, analysis.__file__, find_study('spaces/losses.yaml')[0], sep='\\n')"
    )
    done = python("-c", code, cwd=tmp_path, path=installed)
    assert done.returncode == 0, done.stderr
    assert all(Path(line).is_relative_to(installed) for line in done.stdout.split())


def test_every_shipped_study_travels(installed: Path) -> None:
    travelling = {path.name for path in (installed / "tagsearch" / "search_spaces").iterdir()}
    assert travelling == {path.name for path in (ROOT / "search_spaces").glob("*.yaml")} >= {"smoke.yaml", "joint.yaml"}


def test_the_pinned_versions_travel(installed: Path) -> None:
    travelled = (installed / "tagsearch" / "constraints.txt").read_text()
    assert travelled == (ROOT / "constraints.txt").read_text()


def test_the_schema_of_a_summary_and_the_templates_of_a_page_travel(installed: Path) -> None:
    assert (installed / "analysis" / "schema" / "summary.schema.json").is_file()
    assert (installed / "analysis" / "report" / "templates" / "page.html.j2").is_file()


def test_the_wheel_brings_nothing_else_to_the_top_level(installed: Path) -> None:
    assert {path.name.split("-")[0] for path in installed.iterdir()} == {"tagsearch", "analysis"}


def test_a_folder_that_hides_analysis_is_named(tmp_path: Path) -> None:
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "__init__.py").write_text("")
    run = tmp_path / "runs" / "mine"
    run.mkdir(parents=True)
    (run / "resolved.yaml").write_text("")
    done = python("-m", "tagsearch", "summarize", cwd=tmp_path, path=ROOT)
    assert done.returncode == 2
    assert "hides tagsearch's own package `analysis`" in done.stderr
    assert str(tmp_path / "analysis") in done.stderr
