"""Slices of a catalogue: some tracks each, with the row groups of sorted tables that have rows of them.

tracks       |-----|-----|-----|          sorted by track_id, cut into slices of so many tracks
mood_tags    |----------|------|          row groups of the other tables overlap one slice or several
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.compaction import MARKS
from schemas.tracks import TRACKS, Status
from schemas.work import Reason
from transforms.indexing.documents import NEEDED, TrackRows
from transforms.storage import open_file


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group of a file, and its first and last track ids; None where the file does not tell."""

    uri: str
    number: int
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Slice:
    """Tracks whose ids are above `after` and up to `upto` (None: no bound), and where their rows lie.

    `documents` is how many of them there are, but for those that the listing has only skipped.
    """

    number: int
    after: str | None
    upto: str | None
    documents: int
    groups: Mapping[str, tuple[RowGroup, ...]]


def cut_slices(files: Mapping[str, Sequence[str]], *, tracks: int) -> list[Slice]:
    """Slices of so many tracks each; `files` are those of each table, sorted by track_id."""
    groups = {table: [one for uri in uris for one in _row_groups(uri)] for table, uris in files.items()}
    slices: list[Slice] = []
    for number, (after, upto, count) in enumerate(_bounds(groups[TRACKS.name], tracks)):
        overlapping = {
            table: tuple(one for one in some if _overlaps(one, after, upto)) for table, some in groups.items()
        }
        slices.append(Slice(number, after, upto, count, overlapping))
    return slices


def read_slice(part: Slice, *, whole: bool) -> TrackRows:
    """Rows of the tracks of a slice: of the tables of results all columns, if they are wanted `whole`, else
    those that documents take."""
    found = _read(part, TRACKS.name, None)
    tracks = TRACKS.schema.empty_table() if found is None else found
    skipped = pc.equal(tracks["status"], Status.SKIPPED.value)
    marks = _read(part, MARKS.name, ("track_id", "status", "reason"))
    gone: list[str] = []
    kept = tracks.filter(pc.invert(skipped))
    if marks is not None:
        stones = marks.filter(
            pc.and_(
                pc.equal(marks["status"], Status.GONE.value),
                pc.not_equal(marks["reason"], Reason.REPEATED_ID.value),
            )
        )
        back = set(tracks["track_id"].to_pylist())
        gone = [one for one in stones["track_id"].to_pylist() if one not in back]
    results = {name: _read(part, name, None if whole else NEEDED[name]) for name in NEEDED}
    there = {name: table for name, table in results.items() if table is not None}
    return TrackRows(kept, there, tuple(sorted(set(gone))))


def _bounds(groups: Sequence[RowGroup], tracks: int) -> Iterator[tuple[str | None, str | None, int]]:
    """Ids between which there are so many tracks, and how many of those are documents."""
    after: str | None = None
    last, rows, documents = None, 0, 0
    for track_id, status in _ids(groups):
        if rows == tracks:
            yield after, last, documents
            after, rows, documents = last, 0, 0
        last, rows = track_id, rows + 1
        documents += status != Status.SKIPPED.value
    yield after, None, documents


def _ids(groups: Sequence[RowGroup]) -> Iterator[tuple[str, str]]:
    for group in groups:
        table = _row_group(group, ("track_id", "status"))
        yield from zip(table["track_id"].to_pylist(), table["status"].to_pylist(), strict=True)


def _row_groups(uri: str) -> Iterator[RowGroup]:
    with open_file(uri) as file:
        metadata = pq.ParquetFile(file).metadata
    column = metadata.schema.to_arrow_schema().get_field_index("track_id")
    for number in range(metadata.num_row_groups):
        statistics = metadata.row_group(number).column(column).statistics
        told = statistics is not None and statistics.has_min_max
        yield RowGroup(uri, number, statistics.min if told else None, statistics.max if told else None)


def _overlaps(group: RowGroup, after: str | None, upto: str | None) -> bool:
    above = after is None or group.last is None or group.last > after
    return above and (upto is None or group.first is None or group.first <= upto)


def _read(part: Slice, table: str, columns: Sequence[str] | None) -> pa.Table | None:
    """Rows of a table; None where no file of it has any."""
    if table not in part.groups:
        return None
    found = [_within(_row_group(group, columns), part) for group in part.groups[table]]
    return pa.concat_tables(found, promote_options="default") if found else None


def _row_group(group: RowGroup, columns: Sequence[str] | None) -> pa.Table:
    with open_file(group.uri) as file:
        source = pq.ParquetFile(file)
        return source.read_row_group(group.number, columns=list(columns) if columns else None)


def _within(rows: pa.Table, part: Slice) -> pa.Table:
    ids = rows["track_id"]
    if part.after is not None:
        rows = rows.filter(pc.greater(ids, part.after))
    if part.upto is not None:
        rows = rows.filter(pc.less_equal(rows["track_id"], part.upto))
    return rows
