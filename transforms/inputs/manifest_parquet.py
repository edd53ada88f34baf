"""Rows of .parquet manifests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.inputs.manifest_row import Row, refusal

_BATCH_ROWS = 4096
# What Arrow raises for a file that is not as its footer says; ValueError for a name that is not UTF-8.
_FAULTS = (pa.ArrowException, OSError, ValueError)


def parquet_fields(uri: str, file: IO[bytes]) -> list[pa.Field]:
    """The columns with their types; DataError(bad_input) for what is no Parquet."""
    try:
        return list(pq.read_schema(file))
    except _FAULTS as error:
        raise refusal(f"{uri}: not Parquet: {error}") from error


def parquet_rows(uri: str, file: IO[bytes]) -> Iterator[Row]:
    """The rows; DataError(bad_input) where the file is broken and the rows behind are not to be had."""
    number = 0
    for batch in _batches(uri, file):
        for values in _values(batch):
            number += 1
            yield Row(number, {}, values) if isinstance(values, str) else Row(number, values)


def _batches(uri: str, file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    read = 0
    try:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=_BATCH_ROWS):
            yield batch
            read += len(batch)
    except _FAULTS as error:
        raise refusal(f"{uri}: broken after row {read:,}: {error}") from error


def _values(batch: pa.RecordBatch) -> list[dict[str, Any] | str]:
    """Rows as values; as what is wrong with it for one that has a value Python does not."""
    try:
        rows: list[dict[str, Any] | str] = batch.to_pylist()
    except (ValueError, OverflowError) as error:  # not UTF-8, a date beyond the year 9999
        if len(batch) == 1:
            return [str(error)]
        return [values for row in range(len(batch)) for values in _values(batch.slice(row, 1))]
    return rows
