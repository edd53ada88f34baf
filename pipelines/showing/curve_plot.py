"""A curve as lines of Braille characters: two columns and four rows of dots in each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

_BLANK = 0x2800
# Bits of the dots of a character: [row from the top][column].
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
ROWS, COLUMNS = len(_DOTS), len(_DOTS[0])


def plot_lines(values: Sequence[float], *, width: int, height: int, edge: float) -> list[str]:
    """`height` lines of `width` characters with a curve in [-edge, edge] over them, and dots along zero.

    Each column of dots shows all values of its time, joined to those of the column before.
    """
    cells = [[0] * width for _ in range(height)]

    def dot(column: int, row: int) -> None:
        cells[row // ROWS][column // COLUMNS] |= _DOTS[row % ROWS][column % COLUMNS]

    dots = height * ROWS
    for column in range(0, width * COLUMNS, 4):
        dot(column, _row(0.0, dots, edge))
    last = None
    for column, (low, high) in enumerate(_columns(values, width * COLUMNS)):
        top, bottom = _row(high, dots, edge), _row(low, dots, edge)
        if last is not None:
            top, bottom = min(top, last[1]), max(bottom, last[0])
        for row in range(top, bottom + 1):
            dot(column, row)
        last = _row(high, dots, edge), _row(low, dots, edge)
    return ["".join(chr(_BLANK + cell) if cell else " " for cell in line) for line in cells]


def window_of(*curves: Sequence[float]) -> float:
    """Half the height of a plot of these curves: the next quarter of 1 that they are within."""
    largest = max((abs(value) for curve in curves for value in curve), default=1.0)
    return next((edge for edge in (0.25, 0.5, 0.75) if largest <= edge), 1.0)


def _columns(values: Sequence[float], count: int) -> list[tuple[float, float]]:
    """Lowest and highest value of each of so many equal stretches; a short curve repeats its values."""
    if not values:
        return []
    ends = [place * len(values) // count for place in range(count + 1)]
    stretches = (values[begin : max(end, begin + 1)] for begin, end in pairwise(ends))
    return [(min(some), max(some)) for some in stretches]


def _row(value: float, dots: int, edge: float) -> int:
    """Row of dots from the top."""
    share = (edge - max(-edge, min(edge, value))) / (2 * edge)
    return min(dots - 1, int(share * dots))
