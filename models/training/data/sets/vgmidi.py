"""VGMIDI (Ferreira and Whitehead 2019): 200 piano pieces with valence and arousal per bar, to be rendered.

Terms: research. About 30 annotators rated each piece; the values are their means per bar. Bars are of four
quarter notes whatever the time signature says: by that rule all 200 pieces have as many bars as ratings, to
within one, while by their signatures 43 do not.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.data.audio import AudioFolder, attach_audio
from models.training.data.form import DataSet, EmotionTarget, LabelledTrack
from models.training.data.midi.reader import MidiTimes, read_midi
from models.training.data.midi.render import Renderer, render
from models.training.data.tables import absent, bad_data, locate, read_table, read_text

TERMS = "research use (VGMIDI, Ferreira and Whitehead 2019)"
STEP_S = 0.5
_BAR_QUARTERS = 4
_TARGETS = ("valence", "arousal")


def read_vgmidi(
    root: Path,
    *,
    work: Path | None = None,
    renderer: Renderer | None = None,
    audio: AudioFolder | None = None,
) -> DataSet:
    """Pieces with a curve at 2 Hz and its mean as static; the group is the game.

    `work` is a folder to render the pieces into, unless `audio` has them rendered. The curve ends with the
    last note.
    """
    ratings = _read_ratings(locate(root, "va_per_measure.json"))
    games = _read_games(locate(root, "vgmidi_labelled.csv"))
    files = {name: root / "midi" / name for name in ratings}
    if lost := [name for name, path in files.items() if not path.is_file()]:
        raise absent(f"{root}: {len(lost)} of {len(files)} MIDI files are missing, such as midi/{lost[0]}")
    if lost := [name for name in ratings if name not in games]:
        raise bad_data(f"vgmidi_labelled.csv lacks {len(lost)} of {len(ratings)} pieces, such as {lost[0]}")
    pieces = [_track(files[name], ratings[name], games[name]) for name in sorted(ratings)]
    if work is not None:
        audio = AudioFolder(render((files[name] for name in sorted(files)), work, renderer))
    tracks, found = attach_audio("vgmidi", pieces, audio or AudioFolder())
    unused = sum(1 for path in (root / "midi").glob("*.mid") if path.name not in files)
    notes = (*found, f"{unused} MIDI files have no ratings and are left out") if unused else found
    return DataSet("vgmidi", TERMS, tracks, notes=notes)


def bar_curve(
    ratings: NDArray[np.float32], times: MidiTimes, *, name: str, step_s: float = STEP_S
) -> EmotionTarget:
    """Ratings per bar [bars, 2] -> a curve from 0 s on: a step's value is that of the bar at its centre.

    Raises DataError(bad_input) with the piece's name where bars and ratings differ by more than one.
    """
    bar = _BAR_QUARTERS * times.ticks_per_quarter
    least, most = -(-times.last_note_tick // bar) - 1, -(-times.end_tick // bar) + 1
    if not least <= len(ratings) <= most:
        raise bad_data(f"{name}: {len(ratings)} bars are rated, the piece has {least + 1} to {most - 1}")
    starts = times.seconds(np.arange(len(ratings), dtype=np.int64) * bar)
    end = float(times.seconds(np.array([times.last_note_tick], np.int64))[0])
    centres = (np.arange(int(end / step_s)) + 0.5) * step_s
    return EmotionTarget(0.0, step_s, ratings[np.searchsorted(starts, centres, side="right") - 1])


def _track(file: Path, ratings: NDArray[np.float32], game: tuple[str, str]) -> LabelledTrack:
    curve = bar_curve(ratings, read_midi(file.read_bytes(), file.name), name=file.name)
    if not len(curve.values):
        raise bad_data(f"{file.name} has no note after {STEP_S} s")
    mean = curve.values.mean(axis=0, dtype=np.float64)
    static = (float(mean[0]), float(mean[1]))
    return LabelledTrack(file.stem, group=" ".join(game), static=static, curve=curve)


def _read_ratings(path: Path) -> dict[str, NDArray[np.float32]]:
    """Ratings [bars, 2] by MIDI file."""
    try:
        pieces = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise bad_data(f"{path.name} is not JSON: {error}") from None
    if not isinstance(pieces, dict) or not pieces:
        raise bad_data(f"{path.name} is not an object of pieces")
    return {name: _ratings(piece, f"{path.name}, {name}") for name, piece in pieces.items()}


def _ratings(piece: Any, place: str) -> NDArray[np.float32]:
    columns: list[Any] = [piece.get(target) if isinstance(piece, dict) else None for target in _TARGETS]
    if not all(isinstance(column, list) and column for column in columns):
        raise bad_data(f"{place}: no lists of {' and '.join(_TARGETS)}")
    if len(columns[0]) != len(columns[1]):
        raise bad_data(f"{place}: {len(columns[0])} values of valence, {len(columns[1])} of arousal")
    for value in (value for column in columns for value in column):
        if isinstance(value, bool) or not isinstance(value, int | float) or not -1.0 <= value <= 1.0:
            raise bad_data(f"{place}: {value!r} is not a number from -1 to 1")
    return np.array(columns, np.float32).T


def _read_games(path: Path) -> dict[str, tuple[str, str]]:
    """Console and game by MIDI file; the table has a row a phrase, NAME_0.mid, NAME_1.mid, ..."""
    rows = read_table(path, ("console", "game", "midi"))
    return {_whole(row["midi"]): (row["console"], row["game"]) for row in rows}


def _whole(phrase: str) -> str:
    """NAME.mid of the phrase NAME_0.mid."""
    stem, _, number = PurePosixPath(phrase).stem.rpartition("_")
    return f"{stem if number.isdecimal() and stem else PurePosixPath(phrase).stem}.mid"
