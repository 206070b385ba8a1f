"""Texts that others wrote (tags, corpus, notes, command, excerpts) in a report: shown as they are, never obeyed."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from analysis.report.report import write_report
from analysis.rundata import gather
from analysis.summary import summarize
from tagsearch.excerpts import Excerpt, write_excerpts
from tagsearch.records import read_corpus
from tests.fake_run import FakeRun

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
TEX = r"\input{/etc/passwd}"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The folder of a report on a run into whose files somebody wrote markup."""
    run = tmp_path_factory.mktemp("runs") / "first"
    study = FakeRun(signals={"bce": 1.0, "focal": 1.5}, n_clips=80, seeds=2, tuned=False).write(run)
    tags = (SCRIPT, IMAGE, TEX, *read_corpus(run).tags[3:])
    replace(read_corpus(run), tags=tags, name=IMAGE, notes=(SCRIPT, TEX)).save(run / "corpus.npz")
    environment = {"command": ["tagsearch", SCRIPT, IMAGE], "device": TEX, "packages": {SCRIPT: IMAGE}}
    (run / "environment.json").write_text(json.dumps(environment))
    row = int(read_corpus(run).rows("test")[0])
    shown = np.zeros((4, 4), np.uint8)
    write_excerpts(run, [Excerpt(tag=SCRIPT, row=row, start=0.0, seconds=1.0, audio=b"", log_mel=shown)])
    write_report(summarize(gather(run, replace(study, question=SCRIPT, name="fake"))), run / "report")
    return run / "report"


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_the_page_has_no_element_or_attribute_that_a_text_brought(report):
    page = (report / "index.html").read_text()
    found = Elements()
    found.feed(page)
    assert "script" not in found.names
    assert not {name for name in found.attributes if name.startswith("on")}
    assert "src=x" not in page.replace("&gt;&lt;img src=x", "")
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5  # question, note, tag, command, package


def test_the_markdown_brings_no_markup_into_a_page_made_of_it(report):
    text = (report / "summary.md").read_text()
    assert "alert(1)" in text
    assert "<script" not in text
    assert "<img" not in text


def test_the_tables_for_papers_hold_no_command_of_a_text(report):
    assert r"\input" not in (report / "tables.tex").read_text()


def test_every_file_of_the_report_is_called_by_tagsearch(report):
    assert all(path.name.replace("_", "").replace(".", "").isalnum() for path in report.iterdir())
