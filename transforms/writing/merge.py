"""Parts of many workers to the files of a run: few, of bounded size, under final names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import Stage
from schemas.run import TableFiles
from schemas.table import Table
from transforms.object_stores.retries import take_retries
from transforms.storage import join, open_file, whole_file
from transforms.writing.faults import writing
from transforms.writing.parts import FILE_BYTES, HELD_BYTES, Part, parquet_writer, write_row_group


@dataclass(frozen=True, slots=True)
class Merge:
    """Parts of one table that become one file; `name` is relative to the run's folder."""

    table: str
    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file of a run under its final name, with what there was to try again and to measure on the way, as
    sums by name."""

    table: str
    name: str
    rows: int
    sums: Mapping[str, float] = field(default_factory=dict)


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
    """Write the file of a merge and give it its final name; the parts stay until the run is committed.

    Raises OutputError where it cannot be written, or a part is gone.
    """
    table = tables[work.table]
    target, temporary = join(run_uri, work.name), join(staging_uri, "merged", work.name)
    whole = whole_file(target, temporary_uri=temporary)
    with writing(target), whole as file, parquet_writer(file, table) as writer:
        for rows in _joined(_row_groups(work.parts), most=table.row_group_rows):
            write_row_group(writer, rows)
    return RunFile(work.table, work.name, sum(part.rows for part in work.parts), take_retries())


def _row_groups(parts: Iterable[Part]) -> Iterator[pa.Table]:
    for part in parts:
        with open_file(part.uri, stage=Stage.OUTPUT) as file:
            source = pq.ParquetFile(file)
            for number in range(source.num_row_groups):
                yield source.read_row_group(number)


def _joined(groups: Iterable[pa.Table], *, most: int) -> Iterator[pa.Table]:
    """Row groups, small ones joined up to so many rows; none is cut, so that a track's rows stay in one."""
    held: list[pa.Table] = []
    rows = size = 0
    for group in groups:
        if held and (rows + len(group) > most or size + group.nbytes > HELD_BYTES):
            yield pa.concat_tables(held)
            held, rows, size = [], 0, 0
        held.append(group)
        rows, size = rows + len(group), size + group.nbytes
    if held:
        yield pa.concat_tables(held)


def check_there(files: Iterable[RunFile], *, run_uri: str) -> None:
    """Raise OutputError if a file of the run is no longer there, before the run is committed."""
    for file in files:
        uri = join(run_uri, file.name)
        with writing(uri), open_file(uri, stage=Stage.OUTPUT):
            pass


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
