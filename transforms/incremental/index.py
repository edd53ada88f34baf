"""Where rows lie in stored Parquet files: an index, so that they are read in place and never shuffled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from transforms.storage import open_file


def read_row_group(uri: str, number: int) -> pa.Table:
    """All rows of a row group of a file."""
    with open_file(uri) as file:
        return pq.ParquetFile(file).read_row_group(number)


def index_rows(kind: str, uri: str, keys: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Runs of rows with equal keys in each row group of a file: their keys, kind, uri, number (of the row
    group), first and count."""
    with open_file(uri) as file:
        source = pq.ParquetFile(file)
        for number in range(source.num_row_groups):
            table = source.read_row_group(number, columns=list(keys)).combine_chunks()
            if not len(table):
                continue
            firsts = _run_begins(table)
            counts = np.diff(firsts, append=len(table))
            columns = [table[key].combine_chunks().take(pa.array(firsts)) for key in keys]
            yield pa.RecordBatch.from_arrays(
                [
                    *columns,
                    pa.repeat(pa.scalar(kind), len(firsts)),
                    pa.repeat(pa.scalar(uri), len(firsts)),
                    pa.repeat(pa.scalar(number, pa.int32()), len(firsts)),
                    pa.array(firsts, pa.int64()),
                    pa.array(counts, pa.int64()),
                ],
                names=[*keys, "kind", "uri", "number", "first", "count"],
            )


def _run_begins(table: pa.Table) -> NDArray[np.int64]:
    """Rows at which one of the columns has another value than in the row before."""
    changed = np.zeros(len(table), np.bool_)
    changed[0] = True
    for column in table.columns:
        values = column.combine_chunks()
        changed[1:] |= pc.not_equal(values[1:], values[:-1]).to_numpy(zero_copy_only=False)
    return np.flatnonzero(changed)
