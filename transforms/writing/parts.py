"""Rows to Parquet parts: whole files of bounded size under names of their own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.table import Table, to_arrow
from transforms.storage import create, join

COMPRESSION = "zstd"
# Rows are held as Python objects up to this many, then as Arrow columns up to a row group.
_OBJECTS = 4_096
# What waits goes on at this size, whatever its rows: a row of features can be large.
_HELD_BYTES = 32 << 20
# A file is closed at this size, whatever its rows: a row of emotion_curves can be large.
FILE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A finished Parquet file of one table, not yet published."""

    table: str
    uri: str
    rows: int
    bytes: int


class PartWriter:
    """Collects rows by table and writes them in parts of at most so many rows.

    Nothing is visible to readers: parts lie in a staging folder until a run is committed.
    """

    def __init__(self, staging_uri: str, tables: Mapping[str, Table], *, rows_per_file: int) -> None:
        self._staging_uri = staging_uri
        self._tables = tables
        self._rows_per_file = rows_per_file
        self._open: dict[str, _OpenPart] = {}

    def write(self, table: str, rows: Sequence[Any]) -> Iterator[Part]:
        """Take rows that belong together; yield the part that they close, if any."""
        part = self._open.get(table)
        if part and (part.rows + len(rows) > self._rows_per_file or part.bytes >= FILE_BYTES):
            yield self._open.pop(table).close()
            part = None
        if part is None:
            uri = join(self._staging_uri, f"{table}-{uuid.uuid4().hex}.parquet")
            part = self._open[table] = _OpenPart(self._tables[table], uri)
        part.add(rows)

    def close(self) -> Iterator[Part]:
        """Close every open part."""
        while self._open:
            yield self._open.popitem()[1].close()


@dataclass(slots=True)
class _OpenPart:
    """A part under way: rows wait as objects, then as columns, then are in the file."""

    table: Table
    uri: str
    rows: int = 0
    _held_bytes: int = 0
    _objects: list[Any] = field(default_factory=list)
    _columns: list[pa.Table] = field(default_factory=list)
    _file: BinaryIO | None = None
    _writer: pq.ParquetWriter | None = None

    @property
    def bytes(self) -> int:
        return self._file.tell() if self._file else 0

    def add(self, rows: Sequence[Any]) -> None:
        self.rows += len(rows)
        self._objects.extend(rows)
        self._held_bytes += sum(getattr(row, "nbytes", 0) for row in rows)
        full = self._held_bytes >= _HELD_BYTES
        if full or len(self._objects) >= min(_OBJECTS, self.table.row_group_rows):
            self._columns.append(to_arrow(self._objects, self.table.schema))
            self._objects = []
            if full or sum(map(len, self._columns)) >= self.table.row_group_rows:
                self._write_row_group()

    def close(self) -> Part:
        if self._objects:
            self._columns.append(to_arrow(self._objects, self.table.schema))
        self._write_row_group()
        if self._writer is None or self._file is None:
            raise RuntimeError(f"part {self.uri} was closed before it was opened")
        self._writer.close()
        size = self._file.tell()
        self._file.close()
        return Part(self.table.name, self.uri, self.rows, size)

    def _write_row_group(self) -> None:
        if self._writer is None:
            self._file = create(self.uri)
            self._writer = parquet_writer(self._file, self.table)
        if self._columns:
            self._writer.write_table(
                pa.concat_tables(self._columns), row_group_size=self.table.row_group_rows
            )
            self._columns, self._held_bytes = [], 0


def parquet_writer(file: BinaryIO, table: Table) -> pq.ParquetWriter:
    """The one way that this project writes Parquet."""
    return pq.ParquetWriter(file, table.schema, compression=COMPRESSION, write_page_index=True)
