"""Labels of tracks from an official MTG-Jamendo list: one row a track, of any number of tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.evaluation.reading.refusal import missing, refuse, unknown
from models.training.teaching.jamendo import parse_rows, tag_names

# The columns of split-0 in their official order; a test or validation list need not hold every one of them.
_SPLIT_0 = """
action adventure advertising background ballad calm children christmas commercial cool corporate dark deep
documentary drama dramatic dream emotional energetic epic fast film fun funny game groovy happy heavy holiday
hopeful inspiring love meditative melancholic melodic motivational movie nature party positive powerful
relaxing retro romantic sad sexy slow soft soundscape space sport summer trailer travel upbeat uplifting
"""
OFFICIAL_TAGS = tuple(_SPLIT_0.split())

HEADER_START = "TRACK_ID\t"


@dataclass(frozen=True, slots=True)
class TagList:
    """Tracks and their tags as a list gives them, in its order; `file` is its name, for messages."""

    file: str
    rows: dict[int, tuple[str, ...]]

    @property
    def tags(self) -> tuple[str, ...]:
        """Every tag once, alphabetically."""
        return tag_names(self.rows.values())

    def matrix(self, tags: Sequence[str], tracks: Sequence[int] | None = None) -> NDArray[np.bool_]:
        """Labels [tracks, tags] of the tracks named, of all in their order by default.

        Raises DataError(bad_input) for a tag that is not among `tags` and a track without a row.
        """
        columns = {tag: column for column, tag in enumerate(tags)}
        wanted = list(self.rows) if tracks is None else tracks
        labels = np.zeros((len(wanted), len(tags)), bool)
        for place, track in enumerate(wanted):
            if track not in self.rows:
                raise refuse(self.file, f"no labels for track {track}")
            for tag in self.rows[track]:
                if tag not in columns:
                    raise refuse(self.file, f"track {track}: {unknown(tag, columns, kind='tag')}")
                labels[place, columns[tag]] = True
        return labels


def read_labels(path: Path) -> TagList:
    """Read a list; DataError(not_found, bad_input) with the file, the row and the value.

    A list without its header, a track twice and a track without a mood/theme tag are refused.
    """
    if not path.is_file():
        raise missing(str(path))
    try:
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except UnicodeDecodeError as error:
        raise refuse(str(path), f"not a text file: {error}") from error
    if not lines[0].startswith(HEADER_START):
        raise refuse(str(path), f"not an MTG-Jamendo list: it starts with {lines[0][:60]!r}, not TRACK_ID")
    rows = _rows(path, lines)
    _refuse_twice(path, lines[1:])
    if bare := next((track for track, tags in rows.items() if not tags), None):
        raise refuse(str(path), f"track {bare} has no mood/theme tag")
    return TagList(path.name, rows)


def _rows(path: Path, lines: Sequence[str]) -> dict[int, tuple[str, ...]]:
    for number, line in enumerate(lines[1:], start=2):
        track = line.partition("\t")[0]
        if not track.removeprefix("track_").isdecimal() or not track.startswith("track_"):
            raise refuse(str(path), f"line {number} is not a track's: {line[:60]!r}")
        if line.count("\t") < 5:
            raise refuse(str(path), f"line {number}: track {track} has no labels")
    if len(lines) < 2:
        raise refuse(str(path), "there are no tracks in it")
    return parse_rows(lines)


def _refuse_twice(path: Path, lines: Sequence[str]) -> None:
    track, times = Counter(line.partition("\t")[0] for line in lines).most_common(1)[0]
    if times > 1:
        raise refuse(str(path), f"track {track} is there {times} times")
