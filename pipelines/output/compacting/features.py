"""Current rows of features, one row group after another: a row is a whole track, too large for a sort."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from schemas.features import features_table
from schemas.table import Table
from transforms.storage import open_file

if TYPE_CHECKING:
    import duckdb

_PLACES = """
SELECT filename, file_row_number
FROM read_parquet([{files}], filename = true, file_row_number = true, hive_partitioning = false)
SEMI JOIN main.current USING (track_id, run_id) ORDER BY filename, file_row_number
"""
_PLACES_A_BATCH = 100_000


def table_of(file_uri: str) -> Table:
    """The table of features that a file is of."""
    with open_file(file_uri) as file:
        values = pq.read_schema(file).field("values").type.value_type
    dtype = {pa.float16(): "float16", pa.float32(): "float32"}[values.value_type]
    return features_table(values.list_size, dtype)


def current_features(
    connection: duckdb.DuckDBPyConnection, files: list[str], table: Table
) -> Iterator[pa.RecordBatch]:
    """Current rows of these files, in the order of their names and of the rows in them."""
    for file_uri, numbers in _places(connection, files):
        with open_file(file_uri) as file:
            source = pq.ParquetFile(file)
            first = 0
            for number in range(source.num_row_groups):
                count = source.metadata.row_group(number).num_rows
                begin, end = np.searchsorted(numbers, [first, first + count])
                if end > begin:
                    rows = source.read_row_group(number).take(pa.array(numbers[begin:end] - first))
                    yield from rows.cast(table.schema).to_batches()
                first += count


def _places(
    connection: duckdb.DuckDBPyConnection, files: list[str]
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """For each file that has current rows, their numbers in it, rising."""
    quoted = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    reader = connection.sql(_PLACES.format(files=quoted)).to_arrow_reader(_PLACES_A_BATCH)
    rows = (
        (name, number)
        for batch in reader
        for name, number in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    )
    for file_uri, found in groupby(rows, key=lambda row: row[0]):
        yield file_uri, np.array([number for _, number in found], np.int64)
