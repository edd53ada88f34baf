"""Sorted rows to row groups and files of bounded size, cut only where the track changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.compaction import CompactedFiles
from schemas.table import Table
from transforms.storage import join, whole_file
from transforms.writing.faults import writing
from transforms.writing.parts import FILE_BYTES, HELD_BYTES, parquet_writer, write_row_group


def row_groups(
    batches: Iterable[pa.RecordBatch], table: Table, *, together: str | None
) -> Iterator[pa.Table]:
    """Batches in any order of columns to row groups of the table, in the order of the rows.

    Rows with the same value of the column `together` are next to each other and come to lie in one row group;
    none has more rows than the table asks for, or more bytes than a writer holds, unless such rows need it.
    """
    held: list[pa.Table] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        held.append(_fitted(pa.Table.from_batches([batch]), table.schema))
        while len(rows := pa.concat_tables(held)) > (most := _most(rows, table.row_group_rows)):
            cut = most if together is None else _cut(rows[together], most)
            if cut is None:
                break
            yield rows.slice(0, cut)
            held = [rows.slice(cut)]
    if held and len(rows := pa.concat_tables(held)):
        yield rows


def write_files(
    groups: Iterable[pa.Table],
    table: Table,
    folder_uri: str,
    *,
    rows_per_file: int,
    written: Callable[[pa.Table], None] = lambda _: None,
) -> CompactedFiles:
    """Write row groups to as many files as it takes, at least one; `written` is told of each.

    Raises OutputError where one cannot be written.
    """
    names: list[str] = []
    total = size = 0
    waiting = iter(groups)
    group = next(waiting, None)
    while group is not None or not names:
        names.append(f"{table.name}/part-{len(names):05d}.parquet")
        uri, rows = join(folder_uri, names[-1]), 0
        with writing(uri), whole_file(uri) as file:
            with parquet_writer(file, table) as writer:
                while group is not None and _has_room(rows, len(group), rows_per_file, file.tell()):
                    write_row_group(writer, group)
                    written(group)
                    rows += len(group)
                    group = next(waiting, None)
            size += file.tell()
        total += rows
    return CompactedFiles(tuple(names), total, size)


def _has_room(rows: int, further: int, rows_per_file: int, size: int) -> bool:
    return not rows or (rows + further <= rows_per_file and size < FILE_BYTES)


def _most(rows: pa.Table, row_group_rows: int) -> int:
    """Rows that the next row group may have, by their number and by their bytes."""
    by_bytes = len(rows) * HELD_BYTES / max(1, rows.nbytes)
    return max(1, min(row_group_rows, int(by_bytes)))


def _cut(keys: pa.ChunkedArray, most: int) -> int | None:
    """The last row up to `most` at which another key begins, else the first after it; None if none does."""
    begins = key_begins(keys)
    if not len(begins):
        return None
    place = int(np.searchsorted(begins, most, side="right"))
    return int(begins[max(place - 1, 0)])


def key_begins(keys: pa.ChunkedArray) -> NDArray[np.int64]:
    """Rows, but for the first, whose key differs from that of the row before."""
    values = keys.combine_chunks()
    changed = pc.not_equal(values[1:], values[:-1]).to_numpy(zero_copy_only=False)
    found: NDArray[np.int64] = np.flatnonzero(changed) + 1
    return found


def _fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    return rows.select(schema.names).cast(schema)
