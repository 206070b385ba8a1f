import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

import analysis
import tagsearch
from analysis.report.canvas import LIGHT
from analysis.report.report import write_report
from analysis.tags.tag_figures import trial_figures
from tagsearch.errors import RecordError
from tagsearch.records import State
from tests.fake_run import FakeRun, summary_of

SEARCHED = ["Learning curves of the search", "Expected best of n trials", "The objective against each tunable"]
FAKE = FakeRun(signals={"bce": 1.0, "focal": 1.5})


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    summary = summary_of(FAKE, folder)
    write_report(summary, folder / "report")
    return summary, folder / "report"


def test_the_report_has_all_its_files_and_no_half_written_one(reported):
    _, folder = reported
    assert sorted(path.name for path in folder.iterdir()) == [
        "best_of_n.csv",
        "best_of_n.png",
        "comparison.csv",
        "data_tag_counts.png",
        "data_tag_pairs.png",
        "data_tags_per_clip.png",
        "drop.csv",
        "files.json",
        "flow.csv",
        "forest.png",
        "index.html",
        "label_counts.csv",
        "labels.json",
        "learning_curves.png",
        "noise.json",
        "per_tag.csv",
        "rare_tags.csv",
        "slices.png",
        "summary.json",
        "summary.md",
        "tables.tex",
        "tag_groups.csv",
        "tag_pairs.csv",
        "tags.csv",
        "tags_arm_focal.png",
        "tags_counts.png",
        "tags_effect_focal.png",
        "tags_precision_recall.png",
        "training.csv",
        "trials.csv",
        "tune.csv",
        "tune_curves.png",
        "tune_trials.csv",
        "verdicts.csv",
        "verdicts.json",
    ]


def test_the_page_stands_alone(reported):
    page = (reported[1] / "index.html").read_text()
    sources = re.findall(r'(?:src|srcset)="([^"]{0,40})', page)
    assert len(sources) >= 4  # at least two pictures, light and dark
    assert all(source.startswith("data:") for source in sources)
    anchors = re.findall(r'href="([^"]*)"', page)
    assert all(anchor.startswith("#") and f'id="{anchor[1:]}"' in page for anchor in anchors)
    assert not re.search(r"https?:|url\(|<script|@import", page)


@pytest.mark.parametrize("name", ["index.html", "summary.md"])
def test_texts_of_the_study_cannot_inject_html(reported, name):
    page = (reported[1] / name).read_text()
    assert "Does it &lt;really&gt; help?" in page
    assert "made for &lt;imbalance&gt; &amp; such" in page
    assert "<really>" not in page


def test_the_page_and_the_markdown_tell_the_verdict_and_the_table(reported):
    for name in ("index.html", "summary.md"):
        text = (reported[1] / name).read_text()
        assert "h1: Confirmed (grade A, alpha 0.05)" in text
        assert "Comparison on the test split" in text
        assert "selection, optimistic - not evidence" in text


def test_the_csv_reads_back_as_the_comparison(reported):
    summary, folder = reported
    frame = pd.read_csv(folder / "comparison.csv")
    assert list(frame["arm"]) == ["bce", "focal"]
    assert frame["pr_mean"].tolist() == pytest.approx(summary.comparison["pr_mean"].tolist())


def test_the_verdicts_file_is_strict_json(reported):
    def refuse(constant):
        raise AssertionError(constant)

    (verdict,) = json.loads((reported[1] / "verdicts.json").read_text(), parse_constant=refuse)
    assert verdict["verdict"] == "Confirmed"


def test_pictures_are_drawn_and_not_blank(reported):
    for name in (
        "forest.png",
        "learning_curves.png",
        "tags_arm_focal.png",
        "tags_counts.png",
        "tags_effect_focal.png",
        "tags_precision_recall.png",
        "tune_curves.png",
    ):
        pixels = image.imread(reported[1] / name)[..., :3]
        assert pixels.shape[1] > 600
        assert 0.01 < (pixels < 0.9).any(axis=2).mean() < 0.7


def test_a_run_that_has_only_begun_is_reported_without_pictures_of_its_trials(tmp_path):
    lost = {(arm, k): State.PENDING for arm in ("bce", "focal") for k in range(5)}
    summary = summary_of(FakeRun(signals=FAKE.signals, lost=lost), tmp_path)
    page = write_report(summary, tmp_path / "report").read_text()
    assert "Inconclusive" in page
    pictures = re.findall(r'<img alt="([^".]*)', page)
    assert pictures == ["Clips of each tag", "Tags of a clip", "Tags together on a clip, against chance", *SEARCHED]


def test_a_trial_s_figures_show_its_tags_and_its_macro_score(reported):
    summary, _ = reported
    trial = next(trial for trial in summary.run.confirm if trial.spec.arm == "bce")
    drawn = trial_figures(summary.run.folder, trial)
    assert sorted(drawn) == ["tags/counts", "tags/pr_auc", "tags/precision_recall", "tags/roc_auc"]
    axes = drawn["tags/pr_auc"].axes[0]
    assert sorted(text.get_text() for text in axes.texts) == [f"tag {t}" for t in range(6)]
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == sorted(widths, reverse=True)
    arm = summary.evidence.arms["bce"]
    assert np.mean(widths) == pytest.approx(arm.values[arm.seeds.index(trial.spec.seed), :, 1].mean())


def test_arms_beyond_the_eight_colours_are_told_apart_by_their_lines():
    styles = [tuple(LIGHT.line(place).values()) for place in range(20)]
    assert len(set(styles)) == 20


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RecordError, match=r"is no run folder: it holds no resolved\.yaml; `tagsearch ls`"):
        analysis.load(tmp_path)


def test_the_package_can_be_told_from_a_user_s_own_folder_of_that_name():
    assert analysis.__tagsearch__ == tagsearch.__version__


def loaded_modules(statement: str) -> set[str]:
    root = Path(analysis.__file__).parents[1]
    command = [sys.executable, "-c", f"{statement}\nimport sys; print(*sys.modules)"]
    return set(subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_loads_neither_pandas_nor_matplotlib():
    assert not loaded_modules("import analysis") & {"numpy", "pandas", "matplotlib", "scipy", "jinja2"}


def test_reports_are_made_without_torch_ray_optuna_pyplot_or_the_slow_part_of_scipy():
    loaded = loaded_modules("import analysis.report.report")
    assert not loaded & {"torch", "ray", "optuna", "matplotlib.pyplot", "scipy.stats"}


def test_nothing_in_the_package_can_unpickle():
    home = Path(analysis.__file__).parent
    sources = {path.name: path.read_text() for path in home.rglob("*.py")}
    assert not [name for name, text in sources.items() if re.search(r"import pickle|read_pickle|allow_pickle", text)]


CHAPTERS = [
    "1 Data analysis",
    "2 Hypotheses as registered",
    "3 Experiments",
    "3.1 All arms",
    "3.2 How training and drawing went",
    "3.3 How the search went",
    "3.4 Tag by tag",
    "3.5 Listening to the test clips",
    "4 Discussion",
    "5 Plan and actual",
    "6 Environment",
    "7 Every trial",
]


def test_the_chapters_stand_in_the_order_of_a_paper(reported):
    _, folder = reported
    page = (folder / "index.html").read_text()
    assert re.findall(r'<h[23] id="[^"]*">([0-9][^<]*)</h', page) == CHAPTERS
    told = re.findall(r"^#{2,3} ([0-9].*)$", (folder / "summary.md").read_text(), re.MULTILINE)
    assert told == CHAPTERS


def test_no_level_of_headings_is_skipped(reported):
    page = (reported[1] / "index.html").read_text()
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_verdict_stands_at_the_top_and_leads_to_its_card(reported):
    page = (reported[1] / "index.html").read_text()
    (told,) = re.findall(r'<li><a class="good" href="#(verdict-h1)">([^<]*)</a></li>', page)
    assert told[1].startswith("h1: Confirmed (grade A")
    assert page.index('href="#verdict-h1"') < page.index("<nav") < page.index('id="verdict-h1"')


def test_pictures_are_told_with_their_numbers(reported):
    summary, folder = reported
    page = (folder / "index.html").read_text()
    (forest,) = re.findall(r'alt="Differences with their intervals\. ([^"]*)"', page)
    assert f"focal - bce: ROC AUC +{summary.comparison['roc_delta'][1]:.3f} [+" in forest
    assert re.search(r'alt="Learning curves\. Median of valid/pr_auc: bce ends at 0\.\d+ after 4 epochs', page)


def test_a_report_written_anew_takes_its_leftovers_away_and_no_others(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.5}, n_clips=150, seeds=2)
    summary = summary_of(fake, tmp_path)
    folder = tmp_path / "report"
    write_report(summary, folder)
    (folder / "notes.md").write_text("mine")
    listed = json.loads((folder / "files.json").read_text())
    assert sorted([*listed, "files.json", "notes.md"]) == sorted(path.name for path in folder.iterdir())
    untuned = replace(summary, run=replace(summary.run, tune=()), tuning=pd.DataFrame())
    write_report(untuned, folder)
    assert not (folder / "tune.csv").exists()
    assert not (folder / "best_of_n.png").exists()
    assert (folder / "notes.md").read_text() == "mine"


PRINTED = {"json": "summary.json", "latex": "tables.tex", "csv": "comparison.csv"}


@pytest.mark.parametrize(("form", "name"), PRINTED.items())
def test_what_is_printed_is_what_is_written(reported, form, name):
    summary, folder = reported
    assert summary.render(form).rstrip("\n") == (folder / name).read_text().rstrip("\n")


def test_the_markdown_printed_is_the_report(reported):
    summary, folder = reported
    assert summary.render("md") == (folder / "summary.md").read_text()
