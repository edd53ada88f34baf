"""Rows of MTG-Jamendo's lists of tracks. A row's tags are themselves tab-separated, so rows vary in width:

TRACK_ID  ARTIST_ID  ALBUM_ID  PATH  DURATION  mood/theme---calm  mood/theme---film  ...
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from models.training.data.tables import bad_data

_FIRST_TAG = 5


@dataclass(frozen=True, slots=True)
class JamendoRow:
    """A track of a list: ids as written, `path` below the audio folder, tags with their category."""

    track_id: str
    artist: str
    path: str
    tags: tuple[str, ...]

    @property
    def number(self) -> int:
        """The number in the track's id."""
        return int(self.track_id.removeprefix("track_"))


def parse_lines(lines: Iterable[str]) -> Iterator[JamendoRow]:
    """Lines of a list, the header first -> rows; DataError(bad_input) with the line that is none."""
    for line in list(lines)[1:]:
        fields = line.rstrip("\r\n").split("\t")
        if len(fields) <= _FIRST_TAG or not _is_track(fields[0]):
            raise bad_data(f"not a row of MTG-Jamendo: {line[:80]!r}")
        tags = tuple(dict.fromkeys(tag for tag in map(str.strip, fields[_FIRST_TAG:]) if tag))
        yield JamendoRow(fields[0], fields[1], fields[3], tags)


def _is_track(name: str) -> bool:
    return name.startswith("track_") and name.removeprefix("track_").isdecimal()
