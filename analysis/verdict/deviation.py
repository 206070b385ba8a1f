"""One way in which a run differs from what was registered before it, see `deviations`."""

from dataclasses import dataclass
from typing import Literal

Cap = Literal["B", "exploratory"]


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """`text`: a clause without a full stop. `cap`: the best that is left of a verdict. `arms`: whom it concerns; empty
    means all. `claims`: ids of the hypotheses it concerns; empty means all."""

    text: str
    cap: Cap | None
    arms: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
