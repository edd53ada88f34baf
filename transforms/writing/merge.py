"""Parts of many workers to the files of a run: few, of bounded size, under final names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow.parquet as pq

from schemas.run import TableFiles
from schemas.table import Table
from transforms.storage import create, join, open_file, publish
from transforms.writing.parts import FILE_BYTES, Part, parquet_writer


@dataclass(frozen=True, slots=True)
class Merge:
    """Parts of one table that become one file; `name` is relative to the run's folder."""

    table: str
    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file of a run under its final name."""

    table: str
    name: str
    rows: int


def plan_merges(table: str, parts: Iterable[Part], *, rows_per_file: int) -> list[Merge]:
    """Which parts become which file: in order of name, up to the limits of rows and bytes.

    A table without parts still gets one file, empty, so that every reader finds its columns.
    """
    groups: list[list[Part]] = [[]]
    for part in sorted(parts, key=lambda part: part.uri):
        together = [*groups[-1], part]
        rows, size = sum(one.rows for one in together), sum(one.bytes for one in together)
        if groups[-1] and (rows > rows_per_file or size > FILE_BYTES):
            groups.append([part])
        else:
            groups[-1].append(part)
    names = (f"{table}/part-{index:05d}-of-{len(groups):05d}.parquet" for index in range(len(groups)))
    return [Merge(table, name, tuple(group)) for name, group in zip(names, groups, strict=True)]


def merge(work: Merge, tables: Mapping[str, Table], *, staging_uri: str, run_uri: str) -> RunFile:
    """Write the file of a merge and give it its final name; the parts stay until the run is committed."""
    table = tables[work.table]
    temporary = join(staging_uri, "merged", work.name)
    with create(temporary) as file, parquet_writer(file, table) as writer:
        for part in work.parts:
            with open_file(part.uri) as source:
                for batch in pq.ParquetFile(source).iter_batches(batch_size=table.row_group_rows):
                    writer.write_batch(batch)
    publish(temporary, join(run_uri, work.name))
    return RunFile(work.table, work.name, sum(part.rows for part in work.parts))


def by_table(files: Iterable[RunFile]) -> dict[str, TableFiles]:
    """Files of a run by table, in order of name, with their rows together."""
    ordered = sorted(files, key=lambda file: file.name)
    return {
        table: TableFiles(
            tuple(file.name for file in ordered if file.table == table),
            sum(file.rows for file in ordered if file.table == table),
        )
        for table in dict.fromkeys(file.table for file in ordered)
    }
