"""The table of an own set: rows that know their place in the file, and what each cell says of a track."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.training.data.form import SPLITS, AntonymPair, LabelledTrack
from models.training.data.tables import Row, bad_data, read_records, to_number
from schemas.scales import from_half_range, from_nine_points

COLUMNS = ("track_id", "path", "uri", "group", "split", "tags", "valence", "arousal")
_PAIR = "pair:"
# Words of a pair are part of names of files and, joined by a hyphen, of the pair's own.
_SIDES = re.compile(r"(\w+)/(\w+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale of valence and arousal, and how a value of it becomes ours."""

    low: float
    high: float
    convert: Callable[[float], float]

    def read(self, text: str, place: str) -> float:
        """A cell -> [-1, 1]; DataError(bad_input) names the place and a value that is not on the scale."""
        return self.convert(to_number(text, place, low=self.low, high=self.high))


SCALES: Mapping[str, Scale] = {
    "-1..1": Scale(-1.0, 1.0, float),
    "1..9": Scale(1.0, 9.0, from_nine_points),
    "-0.5..0.5": Scale(-0.5, 0.5, from_half_range),
}


@dataclass(frozen=True, slots=True)
class OwnRow:
    """A row: `place` names the file, the row from 1 on with the header as 1, and the track."""

    place: str
    cells: Row

    def text(self, column: str) -> str:
        """A cell; "" for a column that the table does not have."""
        return self.cells.get(column, "")

    @property
    def track_id(self) -> str:
        """The track's id."""
        return self.cells["track_id"]


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table as read: its columns in order, and its rows."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[OwnRow, ...]

    @property
    def unread(self) -> tuple[str, ...]:
        """Columns that say nothing here."""
        return tuple(name for name in self.columns if name not in COLUMNS and not name.startswith(_PAIR))


def read_own_table(path: Path) -> OwnTable:
    """Every row, checked for its shape and its id.

    Raises DataError(bad_input), naming file, row and value: no column track_id, a column twice, a row with
    more cells than columns, an id that is empty or there twice.
    """
    header, *records = read_records(path)
    columns = tuple(name for name in header if name)
    if "track_id" not in columns:
        raise bad_data(f"{path.name} has no column 'track_id'; it has {', '.join(columns[:12])}")
    if twice := next((name for name in columns if columns.count(name) > 1), ""):
        raise bad_data(f"{path.name} has column {twice!r} twice")
    rows: dict[str, OwnRow] = {}
    for number, record in enumerate(records, start=2):
        row = _row(record, header, f"{path.name}, row {number}")
        if row.track_id in rows:
            raise bad_data(f"{path.name}, row {number}: track_id {row.track_id!r} is there twice")
        rows[row.track_id] = row
    return OwnTable(path.name, columns, tuple(rows.values()))


def pairs_of(table: OwnTable) -> dict[str, AntonymPair]:
    """Pairs by column: `pair:calm/excited` has the share of calm. DataError(bad_input) for other words."""
    found = {}
    for column in table.columns:
        if column.startswith(_PAIR):
            sides = _SIDES.fullmatch(column.removeprefix(_PAIR))
            if not sides or sides[1] == sides[2]:
                raise bad_data(f"{table.name}: column {column!r} is not pair:FIRST/SECOND, two plain words")
            # Two pairs may have a word in common: shares are by pair and word.
            name = f"{sides[1]}-{sides[2]}"
            found[column] = AntonymPair(name, first=f"{name}:{sides[1]}", second=f"{name}:{sides[2]}")
    return found


def track_of(row: OwnRow, scale: Scale, pairs: Mapping[str, AntonymPair]) -> LabelledTrack:
    """The track of a row, its labels checked; an empty cell is no label. Audio is as the row has it."""
    return LabelledTrack(
        row.track_id,
        group=" ".join(row.text("group").casefold().split()) or row.track_id,
        audio=row.text("path") or row.text("uri"),
        tags=_tags(row),
        static=_static(row, scale),
        shares=_shares(row, pairs),
        split=_split(row),
    )


def _row(record: Sequence[str], header: Sequence[str], place: str) -> OwnRow:
    if any(record[len(header) :]):
        raise bad_data(
            f"{place} has {len(record)} cells, the header {len(header)}: {record[len(header)]!r} has no "
            "column; a cell with a comma stands in quotes"
        )
    cells = dict(zip(header, record, strict=False))
    if not cells.get("track_id"):
        raise bad_data(f"{place}: track_id is empty")
    return OwnRow(f"{place}, track {cells['track_id']}", cells)


def _tags(row: OwnRow) -> tuple[str, ...]:
    words = (" ".join(word.split()) for word in row.text("tags").split(";"))
    return tuple(dict.fromkeys(word for word in words if word))


def _static(row: OwnRow, scale: Scale) -> tuple[float, float] | None:
    given = [name for name in ("valence", "arousal") if row.text(name)]
    if not given:
        return None
    if len(given) == 1:
        raise bad_data(f"{row.place}: {given[0]} {row.text(given[0])!r} alone; valence needs arousal")
    valence, arousal = (scale.read(row.text(name), f"{row.place}, column {name}") for name in given)
    return valence, arousal


def _shares(row: OwnRow, pairs: Mapping[str, AntonymPair]) -> dict[str, float]:
    shares: dict[str, float] = {}
    for column, pair in pairs.items():
        if text := row.text(column):
            first = to_number(text, f"{row.place}, column {column}", low=0.0, high=1.0)
            shares |= {pair.first: first, pair.second: 1.0 - first}
    return shares


def _split(row: OwnRow) -> str:
    split = row.text("split")
    if split and split not in SPLITS:
        raise bad_data(f"{row.place}: split {split!r} is not one of {', '.join(SPLITS)}")
    return split
