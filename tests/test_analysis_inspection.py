import dataclasses

import numpy as np
import pytest

from analysis.rundata import gather
from analysis.tags import inspection
from analysis.tags.inspection import Listener, TagPairs
from analysis.tags.tagwise import decide
from tagsearch.errors import AnalysisError
from tagsearch.excerpts import Excerpt
from tagsearch.records import FINAL
from tests.fake_run import FakeRun
from tests.fake_scores import scored_trial, small_corpus

TAGS = ("slow", "fast", "female", "woman")
PAIRS = TagPairs(contradictions=(("slow", "fast"),), synonyms=(("female", "woman"),))
#        slow fast female woman
TEST = [[1, 1, 0, 0], [1, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 1]]
VALID = [[1, 0, 0, 0], [0, 1, 0, 0]]
VALID_SCORES = [[2, 1, -5, -5], [-5, 2, -5, -5]]  # the threshold is 1.5
TEST_SCORES = [[3, 0, 0, 0], [2, 5, 0, 4], [0, 3, 2, 2.5], [0, 0, 0, 0]]


@pytest.fixture
def corpus():
    return small_corpus(VALID, TEST, tags=TAGS)


@pytest.fixture
def listener(tmp_path, corpus):
    trial = scored_trial(tmp_path, {FINAL: (VALID_SCORES, TEST_SCORES)})
    return Listener(name="bce, seed 1", decided=decide(corpus, trial))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (("slow", "fast"), ("slow and fast",)),
        (("slow",), ()),
        (("female",), ("female without woman",)),
        (("woman", "fast"), ("woman without female",)),
        (("female", "woman"), ()),
        (("slow", "fast", "woman"), ("slow and fast", "woman without female")),
        ((), ()),
    ],
)
def test_contradictions_and_lone_synonyms_are_flagged(tags, expected):
    assert inspection.flags(PAIRS, tags) == expected


def test_a_tag_is_flagged_once_with_all_its_absent_synonyms():
    pairs = TagPairs(synonyms=(("female", "woman"), ("female", "lady"), ("lady", "dame")))
    assert inspection.flags(pairs, ("female",)) == ("female without woman, lady",)


def test_pairs_are_counted_over_the_whole_test_split(corpus, listener):
    annotated = corpus.labels[corpus.rows("test")].astype(bool)
    sources = [("annotations", annotated), ("model", listener.decided.predicted)]
    frame = inspection.pair_counts(PAIRS, TAGS, sources)
    assert frame[["by", "kind", "n_flagged", "n_either"]].values.tolist() == [
        ["annotations", "contradiction", 1, 3],  # clip 0 of clips 0, 1, 2
        ["model", "contradiction", 1, 3],  # clip 1 of clips 0, 1, 2
        ["annotations", "synonym", 2, 3],  # clips 2, 3 of clips 1, 2, 3
        ["model", "synonym", 1, 2],  # clip 1 of clips 1, 2
    ]


def test_a_clip_with_two_flagged_pairs_counts_once():
    pairs = TagPairs(contradictions=(("slow", "fast"), ("fast", "female")))
    chosen = np.array([[1, 1, 1, 0], [1, 0, 1, 0]], dtype=bool)
    assert inspection.n_flagged_clips(pairs, "contradiction", TAGS, chosen) == 1
    assert inspection.n_flagged_clips(pairs, "synonym", TAGS, chosen) == 0


def test_a_pair_of_an_unknown_tag_is_refused():
    with pytest.raises(AnalysisError, match="a pair names 'loud', which is no tag of the corpus; its tags: slow, fast"):
        inspection.pair_counts(TagPairs(synonyms=(("loud", "slow"),)), TAGS, [("model", np.zeros((1, 4), dtype=bool))])


def test_tags_of_a_clip_are_hits_extra_and_missed(corpus, listener):
    clips = inspection.heard_clips(corpus, (), [listener], PAIRS)
    assert [(clip.tag, clip.row) for clip in clips] == [("slow", 3), ("fast", 5), ("female", 4), ("woman", 6)]
    (opinion,) = clips[1].opinions  # the third test clip: fast and female; fast, female and woman are predicted
    assert [(one.mark, one.tag) for one in opinion.tags] == [("hit", "fast"), ("hit", "female"), ("extra", "woman")]
    assert clips[1].flags == ("female without woman",)
    assert opinion.flags == ()
    (opinion,) = clips[0].opinions
    assert [(one.mark, one.tag) for one in opinion.tags] == [("hit", "slow"), ("missed", "fast")]


def test_scores_are_the_logistic_of_the_logit(corpus, listener):
    clips = inspection.heard_clips(corpus, (), [listener], PAIRS)
    assert clips[0].opinions[0].tags[0].score == pytest.approx(1 / (1 + np.exp(-3)))
    assert inspection.logistic([-1e6, 0, 1e6]).tolist() == [0, 0.5, 1]


def test_excerpts_decide_which_clips_are_heard(corpus, listener):
    excerpt = Excerpt(tag="woman", row=6, start=0.0, seconds=2.0, audio=b"x", log_mel=np.zeros((2, 2), dtype=np.uint8))
    (clip,) = inspection.heard_clips(corpus, [excerpt], [listener], PAIRS)
    assert (clip.tag, clip.path, clip.annotated, clip.excerpt) == ("woman", "6.mp3", ("woman",), excerpt)
    with pytest.raises(AnalysisError, match="the excerpt for 'woman' is of row 0, which is no test clip"):
        inspection.heard_clips(corpus, [dataclasses.replace(excerpt, row=0)], [listener], PAIRS)


def test_the_first_seed_whose_scores_can_be_read_listens(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.5}, seeds=2)
    run = gather(tmp_path, fake.write(tmp_path))
    first, second = run.study.confirm_seeds
    broken = next(trial for trial in run.confirm if (trial.spec.arm, trial.spec.seed) == ("bce", first))
    (broken.folder / "scores.npz").unlink()
    notes: list[str] = []
    listener = inspection.first_listener(run, "bce", notes)
    assert listener.name == f"bce, seed {second}"
    assert len(notes) == 1
    assert notes[0].startswith(f"{broken.spec.name} is passed over: ")


def test_an_arm_without_a_completed_trial_has_no_listener(tmp_path):
    run = gather(tmp_path, FakeRun(signals={"bce": 1.0, "focal": 1.5}, seeds=1).write(tmp_path))
    assert inspection.first_listener(run, "triplet", []) is None
