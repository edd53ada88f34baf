"""A track on its way: what the input says of it, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.errors import DataError
from schemas.tracks import Status


@dataclass(frozen=True, slots=True)
class Track:
    """One input: `columns` are the further columns of its manifest row, by their name in `tracks`.

    `row` is its place in the manifest, from 1. `content_md5` is the object store's own checksum, where it
    has one.
    """

    track_id: str
    uri: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    row: int = 0
    content_md5: str | None = None


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
    """What became of a track: `error` if and only if it failed, `facts` as far as it came."""

    track: Track
    status: Status
    facts: FileFacts | None = None
    error: DataError | None = None
