"""Groups of tags by how often the training split has them: fixed by the corpus, before anything is trained.

    head  the most frequent fifth       mid  the next two fifths       tail  the rarest two fifths

so that 50 tags are 10, 20 and 20. Of equally frequent tags the one declared first counts as the more frequent.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tagsearch.errors import StudyError
from tagsearch.registry import did_you_mean
from tagsearch.study.schema import Study, TagGroup

HEAD, MID = 0.2, 0.4  # shares of the tags; the tail is the rest

Places = npt.NDArray[np.int64]


def tag_groups(train_counts: npt.ArrayLike) -> Mapping[TagGroup, Places]:
    """Places of the tags of each group, in rising order, from the training clips of each tag, (n_tags,)."""
    falling = np.argsort(-np.asarray(train_counts, dtype=np.int64), kind="stable")
    n_head = round(HEAD * len(falling))
    n_mid = round(MID * len(falling))
    return {
        "all": np.arange(len(falling)),
        "head": np.sort(falling[:n_head]),
        "mid": np.sort(falling[n_head : n_head + n_mid]),
        "tail": np.sort(falling[n_head + n_mid :]),
    }


def places_of(tags: TagGroup | tuple[str, ...], names: Sequence[str], train_counts: npt.ArrayLike) -> Places:
    """Places of a part's tags among the corpus's `names`; those that the corpus lacks are left out (see check_tags)."""
    if isinstance(tags, str):
        return tag_groups(train_counts)[tags]
    return np.array([k for k, name in enumerate(names) if name in tags], dtype=np.int64)


def check_tags(study: Study, names: tuple[str, ...]) -> None:
    """Raises StudyError if a hypothesis names a tag that the corpus lacks."""
    for hypothesis in study.hypotheses:
        for part in hypothesis.parts:
            for tag in () if isinstance(part.tags, str) else part.tags:
                if tag not in names:
                    raise StudyError(
                        f"hypothesis {hypothesis.id} is about the tag {tag!r}, which corpus {study.data['corpus']} "
                        f"does not have{did_you_mean(tag, names)}"
                    )
