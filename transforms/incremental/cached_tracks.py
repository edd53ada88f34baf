"""Where a feature cache has what: its files, and the rows of the tracks whose features are in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.track import Track


@dataclass(frozen=True, slots=True)
class CacheFile:
    """A file of a cache, and the key of the input whose rows are in it."""

    input_key: str
    uri: str


@dataclass(frozen=True, slots=True)
class Place:
    """A row of a row group of a file of a cache."""

    uri: str
    number: int
    row: int


@dataclass(frozen=True, slots=True)
class CachedTrack:
    """A track and where its features are, by input key."""

    track: Track
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class CachedTracks:
    """Tracks whose features lie in one row group, as far as their first input goes."""

    tracks: tuple[CachedTrack, ...]
