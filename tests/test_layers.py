"""The import directions of the house."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Each may import those before it, and itself. Families of components share a floor and do not import each other.
FLOORS = [
    {"errors", "registry", "files", "readings", "records", "__init__"},
    {"study", "excerpts"},
    {"data"},
    {"models", "losses", "samplers", "augment"},
    {"training"},
    {"search"},
    {"cli"},
    {"__main__"},
]
TORCH_ROOMS = {"data", "models", "losses", "samplers", "augment", "training"}
ANALYSIS_MAY_IMPORT = {"errors", "study", "files", "readings", "records", "excerpts", "__init__"}


def imports_of(path: Path) -> set[str]:
    """Dotted names of everything that a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "tagsearch").parts[0].removesuffix(".py")


def rooms_imported(path: Path) -> set[str]:
    parts = [name.split(".") for name in imports_of(path)]
    inner = [part[1] for part in parts if part[0] == "tagsearch" and len(part) > 1]
    rooms = {floor_room for floor in FLOORS for floor_room in floor}
    return {name if name in rooms else "__init__" for name in inner}


PACKAGE = sorted((ROOT / "tagsearch").rglob("*.py"))
ANALYSIS = sorted((ROOT / "analysis").rglob("*.py"))


@pytest.mark.parametrize("path", PACKAGE, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_from_its_own_and_lower_floors(path: Path) -> None:
    room = room_of(path)
    floor = next(level for level, rooms in enumerate(FLOORS) if room in rooms)
    below = set().union(*FLOORS[:floor]) | {room} | (FLOORS[0] if floor == 0 else set())
    assert rooms_imported(path) <= below


@pytest.mark.parametrize("path", PACKAGE, ids=lambda p: str(p.relative_to(ROOT)))
def test_torch_and_ray_stay_in_their_rooms(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports_of(path)}
    if room_of(path) not in TORCH_ROOMS:
        assert not tops & {"torch", "torchaudio"}
    if room_of(path) != "search":
        assert "ray" not in tops
    if room_of(path) != "cli":
        assert "analysis" not in tops


@pytest.mark.parametrize("path", ANALYSIS, ids=lambda p: str(p.relative_to(ROOT)))
def test_analysis_reads_records_and_nothing_else_of_tagsearch(path: Path) -> None:
    assert rooms_imported(path) <= ANALYSIS_MAY_IMPORT
    assert not {name.split(".")[0] for name in imports_of(path)} & {"torch", "torchaudio", "ray", "pickle", "joblib"}


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import tagsearch.cli", "torch ray pandas scipy matplotlib numpy optuna"),
        ("import tagsearch.study.parse, tagsearch.study.plan", "torch ray pandas scipy.stats matplotlib optuna"),
        ("import tagsearch.data.folder, tagsearch.data.mtat_hw2", "torch ray pandas scipy matplotlib optuna"),
        ("import analysis; analysis.load", "torch ray optuna"),
    ],
)
def test_importing_stays_light(statement: str, forbidden: str) -> None:
    code = f"{statement}\nimport sys\nprint([m for m in {forbidden.split()!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
