"""Moodscribe in a notebook: tag a file or samples, look at part of a track, open the tables of runs.

    from pipelines.api import open_tables, tag_file, tag_samples

    song = tag_file("song.mp3")
    song.tags                                 # a pandas frame: one row a tag, with the columns of `mood_tags`
    song.interval("1:10", "1:40").summary     # valence, arousal, colour of half a minute

The numbers are those that `moodscribe tag` writes, bit for bit: the same worker makes them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipelines.intervals.interval import Interval
from pipelines.intervals.whole_track import whole_track
from pipelines.tables import MoodTables, open_tables
from schemas.antonyms import ANTONYMS
from schemas.emotion_curves import EMOTION_CURVES
from schemas.errors import DataError, FailureKind, Stage
from schemas.mood_tags import MOOD_TAGS
from schemas.table import as_mapping, to_arrow
from schemas.tables import MOODS
from schemas.track import FileFacts
from transforms.storage import absolute

if TYPE_CHECKING:
    import pandas as pd

    from transforms.tagging.in_memory import FileTagger, TrackRows

__all__ = ["Interval", "MoodTables", "TaggedTrack", "open_tables", "tag_file", "tag_samples"]

DEFAULT = "default"
_MOST_CHANNELS = 256
# What a file of samples may have; longer ones are for `moodscribe tag`.
_MOST_BYTES = (1 << 30) - (1 << 12)


@dataclass(frozen=True, slots=True, repr=False)
class TaggedTrack:
    """What a bundle says of one track: `facts` of its file, and the main job's rows of it by table."""

    track_id: str
    facts: FileFacts
    rows: Mapping[str, Any]

    def __repr__(self) -> str:
        tags = ", ".join(self.moods) or "no tags"
        return f"<TaggedTrack {self.track_id!r}, {self.facts.decoded_s or 0:.1f} s: {tags}>"

    def table(self, name: str) -> pd.DataFrame:
        """The track's rows of mood_tags, emotion_curves or antonyms, with the types that the files have.

        No rows where the bundle has no members for it.
        """
        frame: pd.DataFrame = to_arrow(self.rows.get(name, ()), MOODS[name].schema).to_pandas()
        return frame

    @property
    def tags(self) -> pd.DataFrame:
        """One row a tag, best first, with the columns of `mood_tags`."""
        return self.table(MOOD_TAGS.name).sort_values("rank", ignore_index=True)

    @property
    def moods(self) -> list[str]:
        """Names of the tags that are decided on, best first."""
        return [
            row.tag for row in sorted(self.rows.get(MOOD_TAGS.name, ()), key=attrgetter("rank")) if row.tagged
        ]

    @property
    def curves(self) -> pd.DataFrame:
        """One row a half second: time_s, valence, arousal, their spreads, colour, a column for each pair."""
        return self.interval().frame

    def interval(self, from_s: float | str | None = None, to_s: float | str | None = None) -> Interval:
        """Curves and summary from one time to another, seconds or texts such as "1:10"; without them, of all.

        Raises DataError(bad_input) for an interval that is not inside the track, or a bundle without curves.
        """
        if EMOTION_CURVES.name not in self.rows:
            raise _refusal(f"{self.track_id}: its bundle has no curves")
        (row,) = self.rows[EMOTION_CURVES.name]
        antonyms = [as_mapping(one) for one in self.rows.get(ANTONYMS.name, ())]
        return whole_track(as_mapping(row), antonyms, track_s=self.facts.decoded_s).between(from_s, to_s)


def tag_file(path: str | Path, *, bundle: str = DEFAULT) -> TaggedTrack:
    """Tag one audio file: a path, or a URI that `moodscribe tag` takes.

    `bundle` is a shipped name, a folder or a URI, opened once and kept. Raises DataError with the reason that
    the main job's `failures` would have, and bad_bundle.
    """
    uri = absolute(str(path))
    return _track(uri, _tagger(bundle).rows({uri: uri})[uri])


def tag_samples(
    samples: NDArray[np.floating[Any]], rate_hz: int, *, bundle: str = DEFAULT, track_id: str = "samples"
) -> TaggedTrack:
    """Tag samples in [-1, 1], [n] or [channels, n], at a rate in Hz: as a file of them in float32 would be.

    Raises DataError: bad_input for another shape or type, too_large above 1 GiB, and what `tag_file` raises,
    such as too_short, silent, non_finite.
    """
    import soundfile

    columns = _columns(samples)
    with tempfile.TemporaryDirectory(prefix="moodscribe-") as folder:
        path = Path(folder) / "samples.wav"
        try:
            soundfile.write(path, columns, int(rate_hz), format="WAV", subtype="FLOAT")
        except (soundfile.LibsndfileError, TypeError, ValueError) as error:
            raise _refusal(f"{columns.shape[1]} channels at {rate_hz} Hz: {error}") from error
        found = _tagger(bundle).rows({track_id: path})[track_id]
    return _track(track_id, found)


def _track(track_id: str, found: TrackRows | DataError) -> TaggedTrack:
    if isinstance(found, DataError):
        raise DataError(found.kind, found.stage, f"{track_id}: {found.message}") from found
    return TaggedTrack(track_id, found.facts, found.tables)


@cache
def _tagger(bundle: str) -> FileTagger:
    """The bundle's models, built once."""
    from transforms.bundles import open_bundle
    from transforms.tagging.in_memory import load_tagger

    return load_tagger(open_bundle(bundle))


def _columns(samples: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Samples as a file has them: [n, channels]."""
    values = np.asarray(samples)
    if not np.issubdtype(values.dtype, np.floating):
        raise _refusal(f"samples of type {values.dtype}: they have to be floating-point numbers in [-1, 1]")
    if values.ndim not in (1, 2):
        raise _refusal(f"samples of shape {values.shape}: [n] or [channels, n] is wanted")
    columns: NDArray[np.float32] = np.atleast_2d(values).T.astype(np.float32, copy=False)
    if not 1 <= columns.shape[1] <= _MOST_CHANNELS:
        hint = "; [n, channels] is to be transposed" if columns.shape[0] <= _MOST_CHANNELS else ""
        raise _refusal(f"samples of shape {values.shape}: [n] or [channels, n] is wanted{hint}")
    if not len(columns):
        raise DataError(FailureKind.TOO_SHORT, Stage.DECODE, "no samples")
    if columns.nbytes >= _MOST_BYTES:
        message = f"{columns.nbytes:,} bytes of samples, at most {_MOST_BYTES:,}: write a file and tag that"
        raise DataError(FailureKind.TOO_LARGE, Stage.INPUT, message)
    return columns


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
