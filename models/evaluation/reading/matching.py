"""Predictions beside annotations: songs by their id or by the stem of a file name, steps by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.evaluation.curves import SongCurves
from models.evaluation.reading.refusal import refuse, unknown

Value = TypeVar("Value")
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
# Times of both sides come out of decimal texts: a step that starts this much later is still the same one.
_SLACK_S = 1e-3


@dataclass(frozen=True, slots=True)
class Matching:
    """How songs are matched: by the `stem` of their names; `partial` leaves out those without prediction."""

    stem: bool = False
    partial: bool = False


def match_songs(
    truth: Mapping[str, Value], predicted: Mapping[str, Value], how: Matching, *, source: str
) -> tuple[dict[str, tuple[Value, Value]], list[str]]:
    """(annotated, predicted) by song in the annotations' order, and the songs left out.

    Raises DataError(bad_input) for annotated songs without prediction, unless `how.partial`, and always where
    none has one. `source` is the predictions' file.
    """
    known = _by_stem(predicted, source) if how.stem else predicted
    names = {song: PurePosixPath(song).stem if how.stem else song for song in truth}
    lost = [song for song, name in names.items() if name not in known]
    if lost and (not how.partial or len(lost) == len(names)):
        hint = unknown(names[lost[0]], list(known)[:5], kind="song")
        what = f"{len(lost)} of {len(names)} annotated songs have no prediction: {hint}"
        raise refuse(source, what + ("" if how.partial else " (--partial leaves them out)"))
    return {song: (truth[song], known[name]) for song, name in names.items() if name in known}, lost


def align(song: str, truth: Curve, predicted: Curve) -> tuple[SongCurves | None, int]:
    """Both curves at the annotated times, and how many of those have no prediction; None where all have none.

    The prediction of a time is the one whose step holds it: the last to start by then, less than a step ago.
    """
    time, values = predicted
    step = float(np.median(np.diff(time))) if len(time) > 1 else 0.5
    place = np.searchsorted(time, truth[0] + _SLACK_S, side="right") - 1
    inside = (place >= 0) & (truth[0] - time[np.maximum(place, 0)] < step - _SLACK_S)
    if not inside.any():
        return None, len(inside)
    curves = SongCurves(song, truth[0][inside], truth[1][inside], values[place[inside]])
    return curves, int((~inside).sum())


def _by_stem(values: Mapping[str, Value], source: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for song, value in values.items():
        stem = PurePosixPath(song).stem
        if stem in found:
            raise refuse(source, f"two songs have the stem {stem!r}: match them by their ids")
        found[stem] = value
    return found
