"""Score arrays of members from one .npz file: [tracks, tags] each, by name, checked against the labels.

The rows are the tracks of the labels' list in its order, the columns its tags alphabetically. An array
`tracks` of track numbers and one `tags` of names in the same file say otherwise.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.evaluation.reading.labels import OFFICIAL_TAGS, TagList
from models.evaluation.reading.refusal import missing, refuse, unknown

TRACKS, TAGS = "tracks", "tags"


@dataclass(frozen=True, slots=True)
class MemberScores:
    """Scores of members on one list of tracks: `scores` [members, tracks, tags], `labels` [tracks, tags].

    `file` and `labels_file` are names of files, for messages and provenance.
    """

    file: str
    labels_file: str
    members: tuple[str, ...]
    tags: tuple[str, ...]
    scores: NDArray[np.float64]
    labels: NDArray[np.bool_]


def member_names(path: Path) -> tuple[str, ...]:
    """Names of the score arrays in a .npz file, in its order; DataError(not_found, bad_input)."""
    return tuple(name for name in _load(path) if name not in (TRACKS, TAGS))


def read_scores(path: Path, listed: TagList, *, members: Sequence[str] = ()) -> MemberScores:
    """Read the arrays named, all of them by default, and the labels of their tracks and tags.

    Raises DataError(not_found, bad_input), naming file and value: an unknown member, a wrong shape, a score
    that is no finite number, an unknown tag, a track without labels.
    """
    arrays = _load(path)
    known = [name for name in arrays if name not in (TRACKS, TAGS)]
    if not known:
        raise refuse(str(path), "there is no array of scores in it")
    for name in members:
        if name not in known:
            raise refuse(str(path), unknown(name, known, kind="member"))
    chosen = tuple(members) or tuple(known)
    if len(set(chosen)) < len(chosen):
        raise refuse(str(path), f"a member is named twice: {', '.join(chosen)}")
    tags = _tags(path, arrays, listed, width=arrays[chosen[0]].shape[-1] if arrays[chosen[0]].ndim else 0)
    labels = listed.matrix(tags, _tracks(path, arrays))
    scores = np.stack([_checked(path, name, arrays[name], labels.shape) for name in chosen])
    return MemberScores(path.name, listed.file, chosen, tags, scores, labels)


def _load(path: Path) -> dict[str, NDArray[np.generic]]:
    if not path.is_file():
        raise missing(str(path))
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise refuse(str(path), "not a .npz file of named arrays")
            return {name: arrays[name] for name in arrays.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise refuse(str(path), f"not a .npz file of numbers: {error}") from error


def _tags(
    path: Path, arrays: dict[str, NDArray[np.generic]], listed: TagList, *, width: int
) -> tuple[str, ...]:
    """Tags of the columns: those that the file names, the official 56 of so many, or the labels' own."""
    if TAGS in arrays:
        return tuple(str(tag) for tag in arrays[TAGS].ravel())
    if width == len(OFFICIAL_TAGS):
        return OFFICIAL_TAGS
    if width != len(listed.tags):
        what = (
            f"{width} columns, but {listed.file} has {len(listed.tags)} tags and split-0 {len(OFFICIAL_TAGS)}"
        )
        raise refuse(str(path), f"{what}; an array `tags` in the file would name them")
    return listed.tags


def _tracks(path: Path, arrays: dict[str, NDArray[np.generic]]) -> list[int] | None:
    if TRACKS not in arrays:
        return None
    tracks = [str(track).removeprefix("track_") for track in arrays[TRACKS].ravel()]
    if wrong := next((track for track in tracks if not track.isdecimal()), None):
        raise refuse(str(path), f"array `tracks`: {wrong!r} is not a track number")
    numbers = [int(track) for track in tracks]
    if len(set(numbers)) < len(numbers):
        raise refuse(str(path), "array `tracks` names a track twice")
    return numbers


def _checked(
    path: Path, name: str, array: NDArray[np.generic], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    if array.shape != shape:
        what = f"member {name!r} is {list(array.shape)}, but the labels are {list(shape)} [tracks, tags]"
        raise refuse(str(path), what)
    if array.dtype.kind not in "fiub":
        raise refuse(str(path), f"member {name!r} holds {array.dtype}, not numbers")
    scores = array.astype(np.float64)
    if not np.isfinite(scores).all():
        track, tag = np.argwhere(~np.isfinite(scores))[0]
        raise refuse(str(path), f"member {name!r}: score {scores[track, tag]} in row {track}, column {tag}")
    return scores
