"""What a reader of any page must find: numbered headings, tables and pictures that can be read aloud, folded tables."""

import re
from html.parser import HTMLParser

from matplotlib.figure import Figure

from analysis.report.grids import LONG_CELL, Grid
from analysis.report.page import Glance, html, page_files
from analysis.report.sections import Folded, Section, Text, draw, outline

GRID = Grid(title="Scores", head=("arm", "ROC"), rows=(("bce", "0.8"), ("focal", "0.9")), right=(False, True))
INNER = Section(anchor="inner", title="Inner <b>", parts=[GRID])
SECTIONS = [
    Section(anchor="one", title="One", parts=[Text(lines=("words",))], sections=[INNER]),
    Section(anchor="two", title="Two", parts=[Folded(grid=GRID, file="scores.csv")]),
]


class Reader(HTMLParser):
    """The elements of a page, in order, and whether they are closed in turn."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "source", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def dot(theme):
    figure = Figure(figsize=(1, 1))
    figure.add_subplot().plot([1], [1], "o")
    return figure


def test_sections_are_numbered_by_chapter_and_place():
    told = [(heading.number, heading.level, heading.section.anchor) for heading in outline(SECTIONS)]
    assert told == [("1", 2, "one"), ("1.1", 3, "inner"), ("2", 2, "two")]


def test_a_page_of_one_section_has_no_numbers_and_no_contents():
    page = html(title="t", header=[], sections=[INNER])
    assert '<h2 id="inner">Inner &lt;b&gt;</h2>' in page
    assert not Reader(page).all("nav")


def test_markdown_has_the_same_numbers():
    told = [heading.markdown().splitlines()[0] for heading in outline(SECTIONS)]
    assert told == ["## 1 One", "### 1.1 Inner &lt;b&gt;", "## 2 Two"]


def test_the_contents_lead_to_every_section():
    reader = Reader(html(title="t", header=[], sections=SECTIONS))
    targets = [link["href"] for link in reader.all("a")]
    assert targets == ["#report", "#one", "#inner", "#two"]
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {target[1:] for target in targets} <= set(ids)
    assert reader.open == []


def test_verdicts_at_a_glance_lead_to_their_cards_and_are_escaped():
    page = html(title="t", header=[], sections=[], glances=[Glance(text="H1: <Refuted>", anchor="v-1", tone="bad")])
    assert '<a class="bad" href="#v-1">H1: &lt;Refuted&gt;</a>' in page


def test_heads_of_tables_name_their_columns_and_rows():
    reader = Reader(html(title="t", header=[], sections=[INNER]))
    assert [head["scope"] for head in reader.all("th")] == ["col", "col", "row", "row"]


def test_a_table_scrolls_in_a_box_that_the_keyboard_reaches():
    (box,) = [one for one in Reader(html(title="t", header=[], sections=[INNER])).all("div") if "tabindex" in one]
    assert (box["role"], box["aria-label"], box["class"]) == ("region", "Scores", "scroll")


def test_columns_of_numbers_are_aligned_and_those_that_stand_back_are_small():
    grid = Grid(title="t", head=("a", "b"), rows=(("x", "y"),), right=(False, True), small=(1,))
    assert '<td class="right small">y</td>' in html(title="t", header=[], sections=[Section(**one(grid))])


def test_a_long_cell_is_wrapped():
    grid = Grid(title="t", head=("a", "b"), rows=(("x", "y" * (LONG_CELL + 1)),), right=(False, False))
    assert '<td class="long">yy' in html(title="t", header=[], sections=[Section(**one(grid))])


def one(part):
    return {"anchor": "x", "title": "X", "parts": [part]}


def test_a_folded_table_is_closed_and_markdown_names_its_file():
    page = html(title="t", header=[], sections=SECTIONS)
    assert re.search(r"<details>\s*<summary>Scores</summary>", page)
    assert SECTIONS[1].parts[0].markdown() == "Scores: see scores.csv."


def test_a_picture_tells_what_it_shows_to_those_who_cannot_see_it():
    (picture,) = draw("dot", "A dot", dot, told='bce: "1"')
    files = page_files(title="t", header=[], sections=[Section(**one(picture))])
    assert sorted(files) == ["dot.png", "index.html"]
    assert 'alt="A dot. bce: &#34;1&#34;"' in files["index.html"].decode()
    assert picture.markdown() == '![A dot. bce: "1"](dot.png)'
