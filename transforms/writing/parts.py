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
from transforms.writing.faults import writing

COMPRESSION = "zstd"
# Rows are held as Python objects up to this many, then as Arrow columns up to a row group.
_OBJECTS = 4_096
# What waits goes on at this size, whatever its rows: a row of features can be large.
HELD_BYTES = 32 << 20
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

    Nothing is visible to readers: parts lie in a staging folder until a run is committed. Raises OutputError
    where they cannot be written.
    """

    def __init__(self, staging_uri: str, tables: Mapping[str, Table], *, rows_per_file: int) -> None:
        self._staging_uri = staging_uri
        self._tables = tables
        self._rows_per_file = rows_per_file
        self._open: dict[str, _OpenPart] = {}

    def write(self, table: str, rows: Sequence[Any]) -> Iterator[Part]:
        """Take rows that belong together, all rows of a track in a table of results: they come to lie next to
        each other in one row group. Yield the part that they close, if any."""
        part = self._open.get(table)
        if part and (part.rows + len(rows) > self._rows_per_file or part.bytes >= FILE_BYTES):
            yield self._close(table)
            part = None
        if part is None:
            uri = join(self._staging_uri, f"{table}-{uuid.uuid4().hex}.parquet")
            part = self._open[table] = _OpenPart(self._tables[table], uri)
        with writing(part.uri):
            part.add(rows)

    def close(self) -> Iterator[Part]:
        """Close every open part."""
        while self._open:
            yield self._close(next(iter(self._open)))

    def _close(self, table: str) -> Part:
        part = self._open.pop(table)
        with writing(part.uri):
            return part.close()


@dataclass(slots=True)
class _OpenPart:
    """A part under way: rows wait as objects, then as columns, then are in the file."""

    table: Table
    uri: str
    rows: int = 0
    _held_rows: int = 0
    _held_bytes: int = 0
    _objects: list[Any] = field(default_factory=list)
    _columns: list[pa.Table] = field(default_factory=list)
    _file: BinaryIO | None = None
    _writer: pq.ParquetWriter | None = None

    @property
    def bytes(self) -> int:
        return self._file.tell() if self._file else 0

    def add(self, rows: Sequence[Any]) -> None:
        if self._held_rows and self._held_rows + len(rows) > self.table.row_group_rows:
            self._write_row_group()
        self.rows += len(rows)
        self._held_rows += len(rows)
        self._objects.extend(rows)
        self._held_bytes += sum(getattr(row, "nbytes", 0) for row in rows)
        if self._held_rows >= self.table.row_group_rows or self._held_bytes >= HELD_BYTES:
            self._write_row_group()
        elif len(self._objects) >= _OBJECTS:
            self._to_columns()

    def close(self) -> Part:
        self._write_row_group()
        if self._writer is None or self._file is None:
            raise RuntimeError(f"part {self.uri} was closed before it was opened")
        self._writer.close()
        size = self._file.tell()
        self._file.close()
        return Part(self.table.name, self.uri, self.rows, size)

    def _to_columns(self) -> None:
        if self._objects:
            self._columns.append(to_arrow(self._objects, self.table.schema))
            self._objects = []

    def _write_row_group(self) -> None:
        self._to_columns()
        if self._writer is None:
            self._file = create(self.uri)
            self._writer = parquet_writer(self._file, self.table)
        if self._columns:
            write_row_group(self._writer, pa.concat_tables(self._columns))
            self._columns, self._held_rows, self._held_bytes = [], 0, 0


def write_row_group(writer: pq.ParquetWriter, rows: pa.Table) -> None:
    """Write rows as one row group: what lies in it together stays together."""
    writer.write_table(rows, row_group_size=max(1, len(rows)))


def parquet_writer(file: BinaryIO, table: Table) -> pq.ParquetWriter:
    """The one way that this project writes Parquet."""
    return pq.ParquetWriter(file, table.schema, compression=COMPRESSION, write_page_index=True)
