"""Tables of valence and arousal or of shares, from .csv, .parquet and .npz files of the same columns.

Curves are either one row a step or one a song with lists, as in the table `emotion_curves`:

    song, time, valence, arousal                 |  track_id, start_s, step_s, valence, arousal
    static: song, valence, arousal[, quadrant]   |  antonyms: song, pair, share

`song` may be called track_id or song_id, `time` time_s, `valence` mean_valence. A pair is
"first-second", its share the first's.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.reading.refusal import missing, refuse

if TYPE_CHECKING:
    import pandas as pd

_SONG = ("song", "track_id", "song_id")
_ALIASES = {
    "track_id": "song",
    "song_id": "song",
    "time_s": "time",
    "mean_valence": "valence",
    "mean_arousal": "arousal",
}
SUFFIXES = (".csv", ".parquet", ".npz")


def read_table(path: Path, *, columns: Iterable[str]) -> pd.DataFrame:
    """Rows of a file, `song` as text; DataError(not_found, bad_input) for a file without those columns."""
    if not path.is_file():
        raise missing(str(path))
    if path.suffix not in SUFFIXES:
        raise refuse(str(path), f"a table is one of {', '.join(SUFFIXES)}")
    try:
        table = _read(path)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise refuse(str(path), f"not a table: {error}") from error
    return checked_table(table, columns=columns, source=str(path))


def checked_table(table: pd.DataFrame, *, columns: Iterable[str], source: str) -> pd.DataFrame:
    """A table with its columns by our names; DataError(bad_input) where it has no rows or lacks a column."""
    own = {old: new for old, new in _ALIASES.items() if old in table.columns and new not in table.columns}
    table = table.rename(columns=own)
    wanted = list(columns)
    if absent := [name for name in wanted if name not in table.columns]:
        there = ", ".join(map(str, table.columns))
        raise refuse(source, f"no column {', '.join(absent)}; there are {there}")
    if table.empty:
        raise refuse(source, "there are no rows in it")
    return table.assign(song=table["song"].astype(str))


def curves_of(
    table: pd.DataFrame, *, source: str
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Time [steps] in seconds and values [steps, 2], by song; DataError(bad_input) for what is no number."""
    listed = "start_s" in table.columns
    if not listed and "time" not in table.columns:
        raise refuse(source, "neither column `time` nor `start_s` and `step_s`")
    if listed:
        _refuse_twice(table["song"], source)
        return {str(row["song"]): _from_lists(row, source) for row in table.to_dict("records")}
    numbers = {name: column_of(table, name, source=source) for name in ("time", "valence", "arousal")}
    songs = table["song"].to_numpy()
    found = {}
    for song, rows in table.groupby("song", sort=False).indices.items():
        order = rows[np.argsort(numbers["time"][rows], kind="stable")]
        time = numbers["time"][order]
        if len(time) > 1 and not np.all(np.diff(time) > 0):
            again = time[:-1][np.diff(time) <= 0][0]
            raise refuse(source, f"song {song}: time {again:g} is there twice")
        found[str(songs[rows[0]])] = (
            time,
            np.stack([numbers[n][order] for n in ("valence", "arousal")], axis=1),
        )
    return found


def points_of(table: pd.DataFrame, *, source: str) -> dict[str, tuple[NDArray[np.float64], str]]:
    """Valence and arousal [2] and the quadrant, "" where the table has none, by song."""
    _refuse_twice(table["song"], source)
    values = np.stack([column_of(table, name, source=source) for name in ("valence", "arousal")], axis=1)
    quadrants = table["quadrant"].tolist() if "quadrant" in table.columns else [""] * len(table)
    if wrong := next((name for name in quadrants if name not in ("", "Q1", "Q2", "Q3", "Q4")), None):
        raise refuse(source, f"quadrant {wrong!r} is not one of Q1 to Q4")
    songs = table["song"].tolist()
    return {song: (value, name) for song, value, name in zip(songs, values, quadrants, strict=True)}


def shares_of(table: pd.DataFrame, *, source: str) -> dict[str, dict[str, float]]:
    """Shares by pair and song; DataError(bad_input) for one outside [0, 1] and a song twice in a pair."""
    shares = column_of(table, "share", source=source)
    found: dict[str, dict[str, float]] = {}
    for song, pair, share in zip(table["song"], table["pair"].astype(str), shares.tolist(), strict=True):
        if not 0.0 <= share <= 1.0:
            raise refuse(source, f"song {song}, pair {pair}: share {share:g} is outside [0, 1]")
        if song in found.setdefault(pair, {}):
            raise refuse(source, f"song {song} is there twice for pair {pair}")
        if pair.count("-") != 1:
            raise refuse(source, f"pair {pair!r} is not of the form first-second")
        found[pair][song] = share
    return found


def column_of(table: pd.DataFrame, name: str, *, source: str) -> NDArray[np.float64]:
    """A column as numbers [rows]; DataError(bad_input) with the song whose value is no finite number."""
    import pandas as pd

    numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        song, value = table["song"].iloc[row], table[name].iloc[row]
        raise refuse(source, f"song {song}: {name} is {str(value)!r}, not a number")
    return numbers


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".csv":
        # Names of songs are text even where they look like numbers.
        return pd.read_csv(path, dtype=dict.fromkeys(_SONG, str))
    with np.load(path, allow_pickle=False) as arrays:
        return pd.DataFrame({name: arrays[name] for name in arrays.files})


def _from_lists(row: Mapping[Any, Any], source: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    try:
        lists = [_numbers(row[name]) for name in ("valence", "arousal")]
        values = np.stack(lists, axis=1)
        time = np.asarray(float(row["start_s"]) + np.arange(len(values)) * float(row["step_s"]), np.float64)
    except (ValueError, TypeError) as error:
        raise refuse(
            source, f"song {row['song']}: not two lists of numbers of one length: {error}"
        ) from error
    if not np.isfinite(values).all():
        raise refuse(source, f"song {row['song']}: a value of its curve is no finite number")
    return time, values


def _numbers(values: Any) -> NDArray[np.float64]:
    # A .csv file has a list as text.
    return np.asarray(json.loads(values) if isinstance(values, str) else values, np.float64)


def _refuse_twice(songs: pd.Series[Any], source: str) -> None:
    if (twice := songs[songs.duplicated()]).any():
        raise refuse(source, f"song {twice.iloc[0]} is there twice")
