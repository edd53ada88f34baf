"""Curves of an own set: a file a track, ID.csv, with rows of time_s, valence, arousal at even steps."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from models.training.data.form import EmotionTarget
from models.training.data.sets.own_rows import Scale
from models.training.data.tables import absent, bad_data, read_table, to_number

_COLUMNS = ("time_s", "valence", "arousal")
# Times come out of decimal texts.
_SLACK_S = 1e-3
_LONGEST_S = 1e6


def read_own_curves(
    folder: Path, tracks: Collection[str], scale: Scale
) -> tuple[dict[str, EmotionTarget], tuple[str, ...]]:
    """Curves of the tracks that have a file, by id, and a note on files of no track.

    Raises DataError: not_found for a folder that is not there or has no file of a track, bad_input for a
    value or a time that does not fit, by file and row.
    """
    if not folder.is_dir():
        raise absent(f"own: folder of curves {folder} does not exist")
    files = {path.stem: path for path in sorted(folder.glob("*.csv"))}
    curves = {name: read_curve(path, scale) for name, path in files.items() if name in tracks}
    if not curves:
        raise absent(f"own: none of the {len(tracks)} tracks has a curve ID.csv in {folder}")
    strays = [path.name for name, path in files.items() if name not in tracks]
    note = f"{len(strays)} files of {folder.name} are of no track, such as {strays[0]}" if strays else ""
    return curves, (note,) if note else ()


def read_curve(path: Path, scale: Scale) -> EmotionTarget:
    """One file; its rows are evenly spaced, to a millisecond."""
    rows = read_table(path, _COLUMNS)
    if len(rows) < 2:
        raise bad_data(f"{path.name} has one row; a curve needs two or more")
    places = [f"{path.name}, row {number}" for number in range(2, len(rows) + 2)]
    times_s = [
        to_number(row["time_s"], f"{place}, column time_s", low=0.0, high=_LONGEST_S)
        for row, place in zip(rows, places, strict=True)
    ]
    start_s, step_s = times_s[0], (times_s[-1] - times_s[0]) / (len(times_s) - 1)
    for number, (time_s, place) in enumerate(zip(times_s, places, strict=True)):
        if step_s < _SLACK_S or abs(time_s - start_s - number * step_s) > _SLACK_S:
            raise bad_data(
                f"{place}: time_s {time_s:g} is not at even steps: {len(rows)} rows from {start_s:g} s to "
                f"{times_s[-1]:g} s are {step_s:g} s apart"
            )
    values = [
        [scale.read(row[name], f"{place}, column {name}") for name in _COLUMNS[1:]]
        for row, place in zip(rows, places, strict=True)
    ]
    return EmotionTarget(start_s, step_s, np.array(values, np.float32))
