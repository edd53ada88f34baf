"""Documents of tracks from the rows of the current tables.

tracks + mood_tags + emotion_curves + antonyms -> {"track_id": ..., "tags": [...], "valence_end": ..., ...}
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.work import hash_of
from transforms.indexing.layout import Column, ColumnType, Layout, plain_name

Document = dict[str, Any]

# Decimals that numbers are given with: scores and curves are float32, and no model tells more.
DECIMALS = 6
_AS_IN_TRACKS = ("track_id", "uri", "status", "duplicate_of", "failure")
_AXES = ("valence", "arousal")
_SUMMARIES = ("mean", "min", "max", "slope")
_SHARES = ("q1_share", "q2_share", "q3_share", "q4_share")
_THIRDS = ("start", "middle", "end")

# Columns that documents take of each table.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "mood_tags": ("track_id", "tag", "score", "tagged", "rank"),
    "emotion_curves": (
        "track_id",
        *_AXES,
        *(f"{axis}_{what}" for axis in _AXES for what in _SUMMARIES),
        *_SHARES,
        "quadrant",
        "colour",
    ),
    "antonyms": ("track_id", "pair", "share"),
}


@dataclass(frozen=True, slots=True)
class TrackRows:
    """Rows of some tracks, of each table in the order of track ids; `gone` are ids to be deleted."""

    tracks: pa.Table
    results: Mapping[str, pa.Table] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


def documents(rows: TrackRows, layout: Layout) -> list[Document]:
    """The document of each track, in their order."""
    ids = rows.tracks["track_id"].to_pylist()
    found = [dict(zip(_AS_IN_TRACKS, values, strict=True)) for values in _zipped(rows.tracks, _AS_IN_TRACKS)]
    lengths = zip(*(rows.tracks[name].to_pylist() for name in ("decoded_s", "duration_s")), strict=True)
    for document, (decoded_s, declared_s) in zip(found, lengths, strict=True):
        document["duration_s"] = _number(declared_s if decoded_s is None else decoded_s)
    _add_columns(found, rows.tracks, layout.columns)
    by_id = dict(zip(ids, found, strict=True))
    if (tags := rows.results.get("mood_tags")) is not None:
        _add_moods(by_id, tags, layout.tags)
    if (curves := rows.results.get("emotion_curves")) is not None:
        _add_emotion(by_id, curves)
    if (antonyms := rows.results.get("antonyms")) is not None:
        for track_id, pair, share in _zipped(antonyms, NEEDED["antonyms"]):
            by_id[track_id].setdefault("antonyms", {})[plain_name(pair)] = _number(share)
    for document, run_id in zip(found, rows.tracks["run_id"].to_pylist(), strict=True):
        document["run_id"] = run_id
        document["content_hash"] = hash_of(document)
    return found


def thirds(curve: NDArray[np.float32]) -> list[float]:
    """Means over the first, second and third part of a curve [steps]; parts of a curve of fewer than three
    steps, or whose length is no multiple of three, share steps."""
    steps = len(curve)
    bounds = [(k * steps // 3, -(-(k + 1) * steps // 3)) for k in range(3)]
    return [float(np.mean(curve[begin:end], dtype=np.float64)) for begin, end in bounds]


def _add_moods(by_id: Mapping[str, Document], rows: pa.Table, tags: Sequence[str]) -> None:
    """Scores of all tags as a mapping and as a vector, and the tags that are tagged."""
    ids = rows["track_id"].combine_chunks().dictionary_encode()
    codes = pc.index_in(rows["tag"], value_set=pa.array(tags, pa.string())).to_numpy()
    matrix = np.zeros((len(ids.dictionary), len(tags)), np.float32)
    matrix[ids.indices.to_numpy(), codes] = rows["score"].to_numpy()
    names = [plain_name(tag) for tag in tags]
    for track_id, vector in zip(ids.dictionary.to_pylist(), _rounded(matrix), strict=True):
        document = by_id[track_id]
        document["tags"] = []
        document["moods"] = {name: score for name, score in zip(names, vector, strict=True) if score > 0}
        document["mood_vector"] = vector
    tagged = rows.filter(rows["tagged"]).sort_by([("rank", "ascending")])
    for track_id, tag in _zipped(tagged, ("track_id", "tag")):
        by_id[track_id]["tags"].append(tag)


def _add_emotion(by_id: Mapping[str, Document], rows: pa.Table) -> None:
    further = [name for name in NEEDED["emotion_curves"] if name not in ("track_id", *_AXES)]
    columns = {name: rows[name].to_pylist() for name in ("track_id", *further)}
    curves = {axis: _lists(rows[axis]) for axis in _AXES}
    for index, track_id in enumerate(columns["track_id"]):
        document = by_id[track_id]
        for axis in _AXES:
            for what in _SUMMARIES:
                document[f"{axis}_{what}"] = _number(columns[f"{axis}_{what}"][index])
            document |= _thirds_of(axis, next(curves[axis]))
        point = [document["valence_mean"], document["arousal_mean"]]
        if None not in point:
            document["emotion"] = point
        document |= {name: _number(columns[name][index]) for name in _SHARES}
        document |= {name: columns[name][index] for name in ("quadrant", "colour")}


def _thirds_of(axis: str, curve: NDArray[np.float32]) -> Document:
    if not len(curve):
        return {}
    values = thirds(curve)
    named = dict(zip(_THIRDS, values, strict=True)) | {"rise": values[2] - values[0]}
    return {f"{axis}_{name}": _number(value) for name, value in named.items()}


def _add_columns(found: Sequence[Document], tracks: pa.Table, columns: Sequence[Column]) -> None:
    for document in found if columns else ():
        document["manifest"] = {}
    for column in columns:
        if column.name in tracks.column_names:
            for document, value in zip(found, tracks[column.name].to_pylist(), strict=True):
                if (plain := _plain(value, column.type)) is not None:
                    document["manifest"][column.field] = plain


def _plain(value: Any, kind: ColumnType) -> Any:
    """A value of a manifest as JSON has it; what is nested or binary as text."""
    if value is None or kind in (ColumnType.WHOLE, ColumnType.FLAG):
        return value
    if kind is ColumnType.NUMBER:
        return float(value) if math.isfinite(value) else None
    if kind is ColumnType.TIME:
        return value.isoformat()
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), DECIMALS)


def _rounded(matrix: NDArray[np.float32]) -> list[list[float]]:
    finite = np.nan_to_num(matrix.astype(np.float64), posinf=0.0, neginf=0.0)
    rows: list[list[float]] = np.round(finite, DECIMALS).tolist()
    return rows


def _lists(column: pa.ChunkedArray) -> Iterator[NDArray[np.float32]]:
    for chunk in column.chunks:
        values = chunk.values.to_numpy(zero_copy_only=False)
        offsets = chunk.offsets.to_numpy()
        for begin, end in pairwise(offsets.tolist()):
            yield values[begin:end]


def _zipped(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)
