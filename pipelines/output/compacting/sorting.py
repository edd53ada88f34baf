"""A sort of more rows than memory holds: into buckets on disk by a number, then one bucket after another.

rows with a number `place` -> bucket 0: places below bounds[0] -> sorted -.
                              bucket 1: places below bounds[1] -> sorted -+-> rows in order
DuckDB finds the places, which are narrow; it cannot sort rows as wide as curves in little memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

PLACE = "place"
# Each is an open file.
MOST_BUCKETS = 512
_ROWS_AT_ONCE = 10_000
_COMPRESSION = pa.ipc.IpcWriteOptions(compression="lz4")

SortKeys = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Room:
    """Where a sort can put rows, and about how many bytes of them it holds at once."""

    scratch: Path
    size: int


def sort_rows(
    batches: Iterable[pa.RecordBatch], keys: SortKeys, *, bounds: NDArray[np.float64], rows: int, room: Room
) -> Iterator[pa.RecordBatch]:
    """Rows by `place`, then by further keys (column and "ascending" or "descending").

    `bounds` are rising places that divide the rows into about equal parts; as many of them are used as it
    takes for `rows` rows, or fewer. Rows of one place are never divided.
    """
    held: list[pa.RecordBatch] = []
    held_bytes = 0
    waiting = iter(batches)
    for batch in waiting:
        held.append(batch)
        held_bytes += batch.nbytes
        if held_bytes > room.size:
            break
    else:
        yield from _sorted(held, keys)
        return
    parts = math.ceil(rows / sum(batch.num_rows for batch in held))
    step = max(1, (len(bounds) + 1) // parts)
    buckets = _spill(chain(held, waiting), bounds[step - 1 :: step], room)
    held.clear()
    for bucket in buckets:
        with pa.OSFile(str(bucket)) as file, pa.ipc.open_stream(file) as stored:
            yield from _sorted(list(stored), keys)
        bucket.unlink()


def _spill(batches: Iterable[pa.RecordBatch], bounds: NDArray[np.float64], room: Room) -> list[Path]:
    """Rows to a file for each bucket that has some; the files in order."""
    writers: dict[int, pa.RecordBatchStreamWriter] = {}
    with ExitStack() as opened:
        for rows in _pieces(batches, room.size):
            buckets = np.searchsorted(bounds, rows[PLACE].to_numpy(), side="right")
            order = np.argsort(buckets, kind="stable")
            begins = np.flatnonzero(np.diff(buckets[order], prepend=-1))
            ordered = rows.take(pa.array(order))
            for begin, end in zip(begins, [*begins[1:], len(order)], strict=True):
                bucket = int(buckets[order[begin]])
                if bucket not in writers:
                    file = opened.enter_context(pa.OSFile(str(_path(room.scratch, bucket)), "wb"))
                    stream = pa.ipc.new_stream(file, rows.schema, options=_COMPRESSION)
                    writers[bucket] = opened.enter_context(stream)
                writers[bucket].write_table(ordered.slice(begin, end - begin))
    return [_path(room.scratch, bucket) for bucket in sorted(writers)]


def _pieces(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """Batches joined to tables of about so many bytes."""
    held: list[pa.RecordBatch] = []
    held_bytes = 0
    for batch in batches:
        held.append(batch)
        held_bytes += batch.nbytes
        if held_bytes > size:
            yield pa.Table.from_batches(held).combine_chunks()
            held, held_bytes = [], 0
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def _sorted(batches: list[pa.RecordBatch], keys: SortKeys) -> Iterator[pa.RecordBatch]:
    if not batches:
        return
    rows = pa.Table.from_batches(batches).combine_chunks()
    order = pc.sort_indices(rows, sort_keys=[(PLACE, "ascending"), *keys])
    # Taken piece by piece, so that they are not there twice.
    for first in range(0, len(order), _ROWS_AT_ONCE):
        yield from rows.take(order.slice(first, _ROWS_AT_ONCE)).to_batches()


def _path(scratch: Path, bucket: int) -> Path:
    return scratch / f"bucket-{bucket:05d}.arrow"
