"""Summary of an emotion curve: level, slope, time in each quadrant, change points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUADRANTS = ("Q1", "Q2", "Q3", "Q4")
# A change point parts two stretches of ten seconds whose mean emotions lie at least this far apart.
CHANGE_DISTANCE = 0.25
CHANGE_STRETCH_S = 10.0


@dataclass(frozen=True, slots=True)
class AxisSummary:
    """Level and movement of one axis over a track; `slope` is per minute."""

    mean: float
    min: float
    max: float
    slope: float


def summarise_axis(curve: NDArray[np.float32], *, step_s: float) -> AxisSummary:
    """Summary of one axis: curve [steps] -> mean, minimum, maximum, slope of the least-squares line."""
    values = curve.astype(np.float64)
    time = np.arange(len(values)) * step_s
    centred = time - time.mean()
    spread = float(centred @ centred)
    slope = float(centred @ values) / spread * 60.0 if spread else 0.0
    return AxisSummary(float(values.mean()), float(values.min()), float(values.max()), slope)


def quadrant(valence: float, arousal: float) -> str:
    """Q1 (pleasant, excited), Q2 (unpleasant, excited), Q3 (unpleasant, calm) or Q4 (pleasant, calm)."""
    if arousal >= 0:
        return "Q1" if valence >= 0 else "Q2"
    return "Q4" if valence >= 0 else "Q3"


def quadrant_shares(valence: NDArray[np.float32], arousal: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of steps in Q1 to Q4: two curves [steps] -> [4], summing to 1."""
    index = np.where(arousal >= 0, np.where(valence >= 0, 0, 1), np.where(valence >= 0, 3, 2))
    shares: NDArray[np.float64] = np.bincount(index, minlength=4) / len(index)
    return shares


def change_points(
    valence: NDArray[np.float32], arousal: NDArray[np.float32], *, step_s: float
) -> NDArray[np.int64]:
    """Steps at which the emotion moves to another level: curves [steps] -> increasing steps [n].

    The distance in the plane between the means of the ten seconds before and after a step has its peak
    there; peaks are at least ten seconds apart and more than that from the ends, where a rise that has no
    fall beside it does not tell when the change was.
    """
    stretch = round(CHANGE_STRETCH_S / step_s)
    if len(valence) < 2 * stretch:
        return np.zeros(0, np.int64)
    plane = np.stack([valence, arousal]).astype(np.float64)
    sums = np.cumsum(np.pad(plane, ((0, 0), (1, 0))), axis=1)
    means = (sums[:, stretch:] - sums[:, :-stretch]) / stretch
    distance = np.hypot(*(means[:, stretch:] - means[:, :-stretch]))
    return peaks(distance, height=CHANGE_DISTANCE, apart=stretch) + stretch


def peaks(values: NDArray[np.float64], *, height: float, apart: int) -> NDArray[np.int64]:
    """Places of the local maxima from `height` on, the highest first and none within `apart` of a higher one:
    values [n] -> increasing places [m]. Of a level stretch the middle counts; ends are no maxima.

    It is SciPy's find_peaks, whose package takes most of a second to import.
    """
    # Where the values change, and from which side they come to a level stretch and leave it.
    changes = np.flatnonzero(np.diff(values))
    rises = values[changes + 1] > values[changes]
    tops = np.flatnonzero(rises[:-1] & ~rises[1:])
    places = (changes[tops] + 1 + changes[tops + 1]) // 2
    places = places[values[places] >= height]
    kept = np.ones(len(places), bool)
    for index in np.argsort(values[places])[::-1]:
        if kept[index]:
            kept &= (np.abs(places - places[index]) >= apart) | (np.arange(len(places)) == index)
    found: NDArray[np.int64] = places[kept].astype(np.int64)
    return found
