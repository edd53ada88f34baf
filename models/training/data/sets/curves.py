"""Rated curves as emoMusic, DEAM and MediaEval 2015 write them: one file a target, one row a song.

    song_id, sample_15000ms, sample_15500ms, ...        songs differ in length: cells past the end are empty

Values are at 2 Hz, in [-1, 1], from 15 s on (Soleymani et al. 2013; Aljanaki et al. 2017).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.training.data.form import EmotionTarget
from models.training.data.tables import bad_data, read_records, same_ids, to_number

_COLUMN = re.compile(r"sample_(\d+)ms")


@dataclass(frozen=True, slots=True, eq=False)
class CurveTable:
    """Curves of one target by song, each [steps] float32, on one clock: start and step in milliseconds."""

    start_ms: int
    step_ms: int
    curves: dict[str, NDArray[np.float32]]


def read_curves(arousal: Path, valence: Path) -> tuple[dict[str, EmotionTarget], tuple[str, ...]]:
    """Curves by song from the two files, and notes; a pair that differs in length is cut to the shorter."""
    tables = {path.name: _read_table(path) for path in (valence, arousal)}
    first, second = tables[valence.name], tables[arousal.name]
    if (first.start_ms, first.step_ms) != (second.start_ms, second.step_ms):
        raise bad_data(
            f"{valence.name} has {first.step_ms} ms steps from {first.start_ms} ms on, "
            f"{arousal.name} {second.step_ms} ms steps from {second.start_ms} ms on"
        )
    same_ids(first.curves, second.curves, names=(valence.name, arousal.name))
    uneven = sum(len(first.curves[song]) != len(second.curves[song]) for song in first.curves)
    joined = {song: _join(first, curve, second.curves[song]) for song, curve in first.curves.items()}
    note = f"{uneven} songs have valence and arousal of different lengths: cut to the shorter"
    return joined, (note,) if uneven else ()


def _join(clock: CurveTable, valence: NDArray[np.float32], arousal: NDArray[np.float32]) -> EmotionTarget:
    steps = min(len(valence), len(arousal))
    values = np.stack([valence[:steps], arousal[:steps]], axis=1)
    return EmotionTarget(clock.start_ms / 1000, clock.step_ms / 1000, values)


def _read_table(path: Path) -> CurveTable:
    header, *records = read_records(path)
    start, step = _clock(header, path)
    curves: dict[str, NDArray[np.float32]] = {}
    for record in records:
        if not record[0] or record[0] in curves:
            raise bad_data(
                f"{path.name}: song {record[0]!r} is {'there twice' if record[0] else 'without id'}"
            )
        curves[record[0]] = _curve(record, header, path)
    return CurveTable(start, step, curves)


def _clock(header: Sequence[str], path: Path) -> tuple[int, int]:
    """Start and step in milliseconds from the names of the columns."""
    matches = [_COLUMN.fullmatch(name) for name in header[1:]]
    times = [int(match[1]) for match in matches if match]
    if header[0] != "song_id" or len(times) < 2 or len(times) != len(matches):
        raise bad_data(f"{path.name}: columns {', '.join(header[:3])} are not song_id, sample_15000ms, ...")
    steps = set(np.diff(times).tolist())
    if len(steps) > 1 or min(steps) <= 0:
        raise bad_data(f"{path.name}: the times of its columns are not evenly spaced: {sorted(steps)} ms")
    return times[0], steps.pop()


def _curve(record: Sequence[str], header: Sequence[str], path: Path) -> NDArray[np.float32]:
    """One row's values [steps]; cells are empty only after the song's end."""
    steps = max((place for place, cell in enumerate(record) if cell), default=0)
    if steps == 0 or steps >= len(header):
        raise bad_data(f"{path.name}, song {record[0]}: {steps} values, {len(header) - 1} columns")
    cells = zip(record[1 : steps + 1], header[1:], strict=False)
    place = f"{path.name}, song {record[0]}"
    return np.array(
        [to_number(cell, f"{place}, {name}", low=-1.0, high=1.0) for cell, name in cells], np.float32
    )
