"""The current tables, sorted by track: those of a compaction as they lie, else sorted for this load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.output.committed import Committed, read_committed
from pipelines.output.compacting.command import SortProgress
from pipelines.output.compacting.compaction import Sort, Work, write_tables
from pipelines.output.connection import connect
from pipelines.output.faults import duckdb_faults
from pipelines.tables import refuse_empty
from schemas.compaction import MARKS
from schemas.errors import DataError, FailureKind, Stage
from schemas.features import NAME as FEATURES
from schemas.tracks import TRACKS
from transforms.indexing.documents import NEEDED
from transforms.indexing.layout import Layout, manifest_columns, named
from transforms.indexing.slices import Slice, cut_slices
from transforms.storage import absolute, join, open_file

# A slice is in memory as a whole, curves and all.
_TRACKS_A_SLICE = 1_000
_ROWS_PER_FILE = 2_000_000
_TABLES = (TRACKS.name, MARKS.name, *NEEDED)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is to be loaded: the newest run that it has rows of, and its slices."""

    state: str
    layout: Layout
    slices: tuple[Slice, ...]

    @property
    def documents(self) -> int:
        """How many there are."""
        return sum(part.documents for part in self.slices)


def read_catalogue(output_uri: str, *, folder_uri: str, scratch: Path, memory_mb: int) -> Catalogue:
    """The current tables under an output; those that are not sorted are, into the folder.

    Raises DataError: not_found where there is no committed run, bad_input for runs of features; and what
    `write_tables` does.
    """
    committed = read_committed(absolute(output_uri))
    refuse_empty(committed)
    if FEATURES in committed.names:
        message = f"{output_uri}: holds features, not moods"
        raise DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
    files = _sorted_files(committed, folder_uri, scratch=scratch, memory_mb=memory_mb)
    layout = Layout(
        tags=_distinct(committed.output_uri, files, "mood_tags", "tag"),
        pairs=_distinct(committed.output_uri, files, "antonyms", "pair"),
        columns=manifest_columns(_schema(files[TRACKS.name][0])),
    )
    return Catalogue(committed.run_ids[-1], layout, tuple(cut_slices(files, tracks=_TRACKS_A_SLICE)))


def _sorted_files(
    committed: Committed, folder_uri: str, *, scratch: Path, memory_mb: int
) -> dict[str, list[str]]:
    if committed.current and not committed.further:
        found = {name: committed.files(name) for name in _TABLES}
    else:
        progress = SortProgress()
        work = Work(committed, "", Sort.TRACK, _ROWS_PER_FILE, memory_mb, progress, folder_uri)
        try:
            with duckdb_faults():
                written = write_tables(work, scratch=scratch)
        finally:
            progress.close()
        found = {name: [join(folder_uri, file) for file in one.files] for name, one in written.items()}
    return {name: found[name] for name in _TABLES if found.get(name)}


def _distinct(output_uri: str, files: dict[str, list[str]], table: str, column: str) -> tuple[str, ...]:
    if table not in files:
        return ()
    quoted = ", ".join("'" + file.replace("'", "''") + "'" for file in files[table])
    select = f"SELECT DISTINCT {column} FROM read_parquet([{quoted}], hive_partitioning = false)"  # noqa: S608 - ours
    connection = connect(output_uri)
    try:
        with duckdb_faults():
            return named(row[0] for row in connection.sql(select).fetchall())
    finally:
        connection.close()


def _schema(uri: str) -> object:
    with open_file(uri) as file:
        return pq.ParquetFile(file).schema_arrow
