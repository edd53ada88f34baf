"""A track on its way: what the input says of it, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.errors import DataError
from schemas.tracks import Status
from schemas.work import Reason


@dataclass(frozen=True, slots=True)
class Known:
    """Results of a track in an earlier run: whose rows they are, and of which file.

    `stands` says that they were made by the same front ends, models and settings: of the same bytes they are
    the results of this run, too.
    """

    run_id: str
    facts: FileFacts
    stands: bool


@dataclass(frozen=True, slots=True)
class Track:
    """One input: `columns` are the further columns of its manifest row, by their name in `tracks`.

    `row` is its place in the manifest, from 1. `content_md5` is the object store's own checksum, where it
    has one. `source_version` tells the object's state without reading it (generation, or size and time of
    change): equal versions of one URI are equal bytes; None where it is not known. `known` is what the last
    run with results of it has, unless those are of no use.
    """

    track_id: str
    uri: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    row: int = 0
    content_md5: str | None = None
    source_version: str | None = None
    reason: Reason = Reason.NEW
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class TrackGroup:
    """A track to work on, and the tracks that the object store says are the same bytes."""

    first: Track
    copies: tuple[Track, ...] = ()

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All of them, the first first."""
        return (self.first, *self.copies)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was learnt of a file by reading and decoding it."""

    file_sha256: str
    bytes: int
    audio_sha256: str | None = None
    duration_s: float | None = None
    decoded_s: float | None = None
    partial_decode: bool | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    codec: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a track: `error` if and only if it failed, `facts` as far as it came.

    Where it `stands`, its results are those of an earlier run, and its rows are still to be taken from there.
    """

    track: Track
    status: Status
    facts: FileFacts | None = None
    error: DataError | None = None
    stands: bool = False


def standing(group: TrackGroup, file_sha256: str, *, done: Status) -> list[Outcome]:
    """Outcomes of a group whose bytes are those of earlier results that stand, of every track; else none."""
    known = [track.known for track in group.tracks]
    if not all(one and one.stands and one.facts.file_sha256 == file_sha256 for one in known):
        return []
    return [stands(replace(track, reason=Reason.TOUCHED), done=done) for track in group.tracks]


def stands(track: Track, *, done: Status) -> Outcome:
    """The outcome of a track whose known results stand."""
    return Outcome(track, done, track.known.facts if track.known else None, stands=True)
