"""Tables of a page as HTML: numbers to the right, bars behind shares, wide ones scroll in their own frame."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.pages.escaping import html_text

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_NUMBER = re.compile(r"[+-]?[0-9][0-9,]*(\.[0-9]+)?%?")
_LONG = 20
NONE = "–"  # noqa: RUF001 - a dash


@dataclass(frozen=True, slots=True)
class Bar:
    """A share in [0, 1] as a bar with its words; `mark` is a second share, a line across the bar."""

    share: float
    words: str
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Swatch:
    """A colour #rrggbb and its name in words."""

    colour: str
    words: str


Cell = str | int | Bar | Swatch | None


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table with a caption; the first cell of each row is its head, None is a dash.

    Columns without names have no line of names.
    """
    numeric = [place > 0 and _all_numbers([row[place] for row in rows]) for place in range(len(columns))]
    kinds = [' class="number"' if one else "" for one in numeric]
    head = "".join(
        f'<th scope="col"{kind}>{html_text(name)}</th>' for name, kind in zip(columns, kinds, strict=True)
    )
    top = f"<thead><tr>{head}</tr></thead>\n" if any(columns) else ""
    body = "\n".join(f"<tr>{_row(row, kinds)}</tr>" for row in rows)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{html_text(caption)}"><table>\n'
        f"<caption>{html_text(caption)}</caption>\n{top}"
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def signed(value: float | None, digits: int = 2) -> str:
    """A number with its sign."""
    return NONE if value is None else f"{value:+.{digits}f}"


def percent(share: float | None) -> str:
    """A share in [0, 1] as a percentage."""
    return NONE if share is None else f"{share:.1%}"


def share_bar(part: float, whole: float) -> Bar:
    """A part of a whole as a bar and a percentage; of nothing it is nothing."""
    share = part / whole if whole else 0.0
    return Bar(share, percent(share))


def clock(seconds: float) -> str:
    """A time as m:ss, or h:mm:ss from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _row(row: Sequence[Cell], kinds: Sequence[str]) -> str:
    """The first cell as the row's head; long words may break anywhere."""
    cells = []
    for place, (cell, kind) in enumerate(zip(row, kinds, strict=True)):
        long = ' class="long"' if isinstance(cell, str) and len(cell) > _LONG else kind
        cells.append(
            f"<td{long}>{_inner(cell)}</td>" if place else f'<th scope="row"{long}>{_inner(cell)}</th>'
        )
    return "".join(cells)


def _all_numbers(cells: Sequence[Cell]) -> bool:
    """Whether there are numbers, as such or as text, and nothing else but gaps."""
    some = [cell for cell in cells if cell is not None]
    return bool(some) and all(isinstance(cell, int) or _is_number(cell) for cell in some)


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, str) and _NUMBER.fullmatch(cell) is not None


def _inner(cell: Cell) -> str:
    if cell is None:
        return NONE
    if isinstance(cell, Bar):
        mark = "" if cell.mark is None else f'<i style="left:{_width(cell.mark)}"></i>'
        bar = f'<span class="bar" aria-hidden="true"><b style="width:{_width(cell.share)}"></b>{mark}</span>'
        return f"{bar}{html_text(cell.words)}"
    if isinstance(cell, Swatch):
        colour = cell.colour if _COLOUR.fullmatch(cell.colour) else "none"
        square = f'<span class="swatch" aria-hidden="true" style="background:{colour}"></span>'
        return f"{square}{html_text(cell.words)}"
    return html_text(f"{cell:,}" if isinstance(cell, int) else cell)


def _width(share: float) -> str:
    return f"{100 * min(1.0, max(0.0, share)):.2f}%"
