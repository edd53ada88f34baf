"""The valence/arousal plane: every track as a point, or of many how many lie where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Beyond so many, points hide each other and take a browser's time.
MOST_POINTS = 10_000
# Cells along each axis of the density, over [-1, 1].
CELLS = 80


@dataclass(frozen=True, slots=True)
class Point:
    """A track at the means of its curves, both in [-1, 1]; `colour` is #rrggbb."""

    track_id: str
    name: str
    valence: float
    arousal: float
    colour: str


@dataclass(frozen=True, slots=True)
class QuadrantShare:
    """Tracks whose means are in a quadrant, and the means of those."""

    quadrant: str
    count: int
    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class Plane:
    """`count` tracks: as points all of them, or, of more than MOST_POINTS, the outermost ones, and `cells`:
    (column, row, tracks) of the cells that have any, counted from (-1, -1)."""

    count: int
    quadrants: Sequence[QuadrantShare]
    points: Sequence[Point]
    cells: Sequence[tuple[int, int, int]]


def density(cells: Sequence[tuple[int, int, int]]) -> list[list[int | None]]:
    """Tracks of each cell, row by row of rising arousal: [CELLS][CELLS]; None where there is none."""
    grid: list[list[int | None]] = [[None] * CELLS for _ in range(CELLS)]
    for column, row, count in cells:
        grid[row][column] = count
    return grid


def window(cells: Sequence[tuple[int, int, int]], points: Sequence[Point]) -> float:
    """Half of the side of the square around 0 that has all tracks in it, in tenths, with some air."""
    edges = [
        abs(-1.0 + 2.0 * (place + side) / CELLS) for x, y, _ in cells for place in (x, y) for side in (0, 1)
    ]
    values = [abs(value) for point in points for value in (point.valence, point.arousal)]
    largest = max([*edges, *values], default=1.0)
    return min(1.05, (int(largest * 10.0) + 1) / 10.0 + 0.05)
