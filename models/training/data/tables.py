"""Tables of labels as text files: read whole, every cell checked, every refusal names the file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from schemas.errors import DataError, FailureKind, Stage

Row = Mapping[str, str]


def bad_data(message: str) -> DataError:
    """The refusal of a data set whose content is wrong."""
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)


def absent(message: str) -> DataError:
    """The refusal of a data set of which something is missing."""
    return DataError(FailureKind.NOT_FOUND, Stage.INPUT, message)


def locate(root: Path, *names: str) -> Path:
    """The first of several places below a root that is a file; DataError(not_found) names the first."""
    if not root.is_dir():
        raise absent(f"data folder {root} does not exist")
    for name in names:
        if (root / name).is_file():
            return root / name
    others = f" (nor are {', '.join(names[1:])})" if names[1:] else ""
    raise absent(f"{names[0]} is not in the data folder {root}{others}")


def read_text(path: Path) -> str:
    """A text file in UTF-8, with or without a byte order mark."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise bad_data(f"{path.name} is not UTF-8 text: {error.reason} at byte {error.start}") from None


def read_records(path: Path) -> list[list[str]]:
    """Rows of a comma-separated file, the header first, every cell stripped; empty lines are left out."""
    lines = io.StringIO(read_text(path), newline="")
    try:
        records = [[cell.strip() for cell in record] for record in csv.reader(lines)]
    except csv.Error as error:
        raise bad_data(f"{path.name} is not comma-separated text: {error}") from None
    records = [record for record in records if any(record)]
    if len(records) < 2:
        raise bad_data(f"{path.name} has no rows")
    return records


def read_table(path: Path, columns: Sequence[str]) -> list[Row]:
    """Rows of a comma-separated file with a header, by column; DataError for a missing column or a short row.

    Columns beyond the header are left out.
    """
    header, *records = read_records(path)
    for column in columns:
        if column not in header:
            raise bad_data(f"{path.name} has no column {column!r}; it has {', '.join(header[:12])}")
    needed = max((header.index(column) for column in columns), default=0)
    for place, record in enumerate(records, start=2):
        if len(record) <= needed:
            raise bad_data(f"{path.name}, row {place}: {len(record)} cells, {needed + 1} are needed")
    return [dict(zip(header, record, strict=False)) for record in records]


def number(row: Row, column: str, place: str, *, low: float = -1.0, high: float = 1.0) -> float:
    """A cell as a number from `low` to `high`; DataError names the place, the column and the value."""
    return to_number(row[column], f"{place}, column {column}", low=low, high=high)


def to_number(text: str, place: str, *, low: float, high: float) -> float:
    """A text as a finite number from `low` to `high`."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise bad_data(f"{place}: {text!r} is not a number from {low:g} to {high:g}")
    return value


def by_id(rows: Iterable[Row], column: str, path: Path) -> dict[str, Row]:
    """Rows by their id, in their order; DataError for an id that is empty or there twice."""
    found: dict[str, Row] = {}
    for row in rows:
        name = row[column]
        if not name or name in found:
            raise bad_data(f"{path.name}: {column} {name!r} is {'there twice' if name else 'empty'}")
        found[name] = row
    return found


def same_ids(first: Mapping[str, object], second: Mapping[str, object], *, names: tuple[str, str]) -> None:
    """Refuse two tables of which one has an id that the other has not."""
    for one, other, (name, missing) in ((first, second, names), (second, first, names[::-1])):
        if lost := [key for key in one if key not in other]:
            raise bad_data(
                f"{missing} lacks {len(lost)} of the {len(one)} songs of {name}, such as {lost[0]}"
            )
