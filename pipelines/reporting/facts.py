"""What a report tells: the account of a run, and how the catalogue stands as of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.pages.shown_track import ShownTrack
from pipelines.reporting.account import Account
from pipelines.reporting.plane import Plane
from schemas.drift import Drift


@dataclass(frozen=True, slots=True)
class FailureExample:
    """A failed track of the catalogue."""

    track_id: str
    kind: str
    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class TagRate:
    """A tag: `tagged` of all `count` tracks with results have it. `grade` is "" where it has none."""

    tag: str
    tagged: int
    count: int
    grade: str
    off: bool

    @property
    def rate(self) -> float:
        """Share of the tracks that have it."""
        return self.tagged / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. `statuses` and `failures` count the tracks of the catalogue; `plane` is None where the runs
    have no curves; `drift` is None where there is nothing to compare with, and `not_compared` says why."""

    output_uri: str
    account: Account
    statuses: Mapping[str, int]
    failures: Mapping[str, int]
    examples: Sequence[FailureExample]
    rates: Sequence[TagRate]
    grades_by: str
    plane: Plane | None
    chosen: Sequence[tuple[str, ShownTrack]]
    drift: Drift | None
    not_compared: str
