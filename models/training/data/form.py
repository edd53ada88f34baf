"""The common form of a labelled data set: tracks, what is known of each, and what was found on reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, eq=False)
class EmotionTarget:
    """A rated curve: `values` [steps, 2] float32, valence and arousal in [-1, 1].

    Value k is of start_s + k * step_s, in seconds from the start of the track's audio.
    """

    start_s: float
    step_s: float
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LabelledTrack:
    """A track and its labels; a field that its set does not have keeps its default.

    `group` is the artist, or the track where none is known: splits keep groups whole. `audio` is a path, ""
    where there is none. `static` is valence and arousal in [-1, 1]. `shares` is the share of raters by
    emotion, in [0, 1]. `split` is train, validation or test where the set has an official one. `stratum` is
    what splits are balanced by: a genre or a quadrant.
    """

    track_id: str
    group: str
    audio: str = ""
    tags: tuple[str, ...] = ()
    static: tuple[float, float] | None = None
    curve: EmotionTarget | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    split: str = ""
    stratum: str = ""


@dataclass(frozen=True, slots=True)
class AntonymPair:
    """Two opposite emotions of a set; the soft target is the first one's share of those who felt either."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Ready-made features, one vector a track: `values` [tracks, n], row k is of `track_ids[k]`."""

    name: str
    track_ids: tuple[str, ...]
    values: NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class DataSet:
    """A set as read: `tags` are the columns of its tag labels in order, `notes` what was found and said."""

    name: str
    terms: str
    tracks: tuple[LabelledTrack, ...]
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    pairs: tuple[AntonymPair, ...] = ()
    vectors: Vectors | None = None


def tag_matrix(tracks: Sequence[LabelledTrack], tags: Sequence[str]) -> NDArray[np.float32]:
    """Labels [tracks, tags] float32 of 0 and 1; a track's tag that is no column is left out."""
    columns = {tag: column for column, tag in enumerate(tags)}
    labels = np.zeros((len(tracks), len(tags)), np.float32)
    for row, track in enumerate(tracks):
        labels[row, [columns[tag] for tag in track.tags if tag in columns]] = 1.0
    return labels


def join_vectors(
    tracks: Sequence[LabelledTrack], vectors: Vectors
) -> tuple[list[LabelledTrack], NDArray[np.float32]]:
    """The tracks that have a vector, in their order, and their vectors [known, n] float32."""
    places = {track_id: place for place, track_id in enumerate(vectors.track_ids)}
    known = [track for track in tracks if track.track_id in places]
    return known, vectors.values[[places[track.track_id] for track in known]].astype(np.float32)


def antonym_targets(
    tracks: Sequence[LabelledTrack], pair: AntonymPair
) -> tuple[list[LabelledTrack], NDArray[np.float32]]:
    """Tracks of which anyone felt either side of a pair, and their soft targets [known, 2] float32.

    Target k is (a, b) / (a + b), a and b the shares of raters for the first and the second emotion: the
    labels of Liu et al. (2018), where 7 of 10 raters on a side make 70 % and 30 %.
    """
    known, targets = [], []
    for track in tracks:
        first, second = track.shares.get(pair.first, 0.0), track.shares.get(pair.second, 0.0)
        if first + second > 0.0:
            known.append(track)
            targets.append((first / (first + second), second / (first + second)))
    return known, np.array(targets, np.float32).reshape(-1, 2)
