"""What differs between the states of a catalogue as of two runs, first A, then B."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

DRIFT_FORMAT = 1


@dataclass(frozen=True, slots=True)
class TrackDrift:
    """Tracks of each state, skipped inputs left out; newly failed ones were fine in A, or not there."""

    count_a: int
    count_b: int
    with_results_a: int
    with_results_b: int
    failed_a: int
    failed_b: int
    new: int
    gone: int
    newly_failed: int
    no_longer_failed: int
    changed: int  # results in both states, and not those of the same run


@dataclass(frozen=True, slots=True)
class TagDrift:
    """A tag: shares of the tracks with results that have it, None where a state does not know it; and of the
    tracks with the tag's score in both states, how many came to have it and lost it, and the mean change of
    the score."""

    tag: str
    rate_a: float | None
    rate_b: float | None
    compared: int
    gained: int
    lost: int
    score_shift: float | None

    @property
    def rate_change(self) -> float:
        """From A to B; a tag that a state does not know has rate 0 there."""
        return (self.rate_b or 0.0) - (self.rate_a or 0.0)

    @property
    def flips(self) -> int:
        """Decisions that are others now."""
        return self.gained + self.lost


@dataclass(frozen=True, slots=True)
class AxisDrift:
    """Changes of the tracks' means of valence or arousal, both in [-1, 1]."""

    mean: float
    mean_absolute: float
    percentile_95_absolute: float


@dataclass(frozen=True, slots=True)
class CurveDrift:
    """Curves of tracks with curves in both states."""

    compared: int
    valence: AxisDrift
    arousal: AxisDrift
    quadrant_changed: int


@dataclass(frozen=True, slots=True)
class NewFailure:
    """A track that failed in B and not in A."""

    track_id: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Drift:
    """All of it; `made_by` what computed the runs' results, `curves` None where no track has curves in both
    states, `failures` counts of A and B by kind, `examples` some of the tracks that newly failed."""

    run_a: str
    run_b: str
    made_by: tuple[str | None, str | None]
    tracks: TrackDrift
    tags: tuple[TagDrift, ...]
    curves: CurveDrift | None
    failures: Mapping[str, tuple[int, int]]
    examples: tuple[NewFailure, ...]

    @property
    def nothing(self) -> bool:
        """Whether both states are the same."""
        tracks = self.tracks
        moved = tracks.new or tracks.gone or tracks.changed or tracks.newly_failed or tracks.no_longer_failed
        return not moved and all(a == b for a, b in self.failures.values())

    @property
    def compared(self) -> int:
        """Decisions on tags that both states have."""
        return sum(tag.compared for tag in self.tags)

    @property
    def flips(self) -> int:
        """Those that are others in B."""
        return sum(tag.flips for tag in self.tags)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"format": DRIFT_FORMAT, **asdict(self), "compared": self.compared, "flips": self.flips}
