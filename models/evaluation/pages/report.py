"""A report in parts: figures on top, notes, tables and pictures; a page and a terminal draw the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table: its title, the names of its columns, its rows; None is a figure that is not defined."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as an SVG document, its title and what to see in it."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found. `warnings` stand above everything else, on a page and on a terminal."""

    title: str
    summary: str
    warnings: Sequence[str] = ()
    tables: Sequence[ReportTable] = ()
    pictures: Sequence[Picture] = field(default_factory=tuple)


def shown(cell: Cell) -> str:
    """A cell as text: four digits after the point, a dash where there is no figure."""
    if cell is None:
        return "–"  # noqa: RUF001 - a dash
    return f"{cell:.4f}" if isinstance(cell, float) else f"{cell:,}" if isinstance(cell, int) else cell
