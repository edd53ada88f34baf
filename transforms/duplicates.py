"""Equal audio gets one result: which tracks are the same by the hash of their decoded samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from schemas.track import Outcome, Track, TrackGroup
from schemas.tracks import Status


@dataclass(frozen=True, slots=True)
class Resolved:
    """An outcome and, for a duplicate, the track it is a copy of."""

    outcome: Outcome
    duplicate_of: str | None = None


def group_key(track: Track) -> str:
    """Tracks of one key are one piece of work.

    An object store's MD5 tells equal bytes before anything is read. Its CRC32C would not do: among
    millions of files of one size, equal ones by chance are to be expected.
    """
    return f"md5 {track.content_md5}" if track.content_md5 else f"id {track.track_id}"


def group_tracks(tracks: Iterable[Track]) -> TrackGroup:
    """Tracks of one key -> the group to work on."""
    first, *others = sorted(tracks, key=lambda track: (track.row, track.track_id, track.uri))
    return TrackGroup(first, tuple(others))


def resolve_duplicates(outcomes: Iterable[Outcome]) -> Iterator[Resolved]:
    """Tagged outcomes with one audio hash -> the first by id stays tagged, the others name it."""
    ordered = sorted(outcomes, key=lambda outcome: (outcome.track.track_id, outcome.track.uri))
    first = ordered[0].track.track_id
    yield Resolved(ordered[0])
    for outcome in ordered[1:]:
        yield Resolved(replace(outcome, status=Status.DUPLICATE), duplicate_of=first)
