"""Writing a compaction: the current rows of every table, sorted, then its record.

runs, older compaction -> views of the state -> sorted by DuckDB, out of core -> row groups, files -> record
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from pipelines.output.committed import Committed, all_records, committed_ids
from pipelines.output.compacting.row_groups import key_begins, row_groups, write_files
from pipelines.output.compacting.rows import CurrentRows
from pipelines.output.compacting.sorting import Room
from pipelines.output.connection import connect_bounded
from pipelines.output.views import define_views
from schemas.compaction import (
    CURRENT_FILE,
    CURRENT_FOLDER_PREFIX,
    MARKS,
    MOOD_TAGS_BY_TAG,
    RUNS_FILE,
    CompactedFiles,
    CompactionRecord,
)
from schemas.errors import DataError, FailureKind, Stage
from schemas.identity import timestamp
from schemas.mood_tags import MOOD_TAGS
from schemas.table import Table
from schemas.tracks import TRACKS
from transforms.storage import join, write_text
from transforms.writing.account import UnbalancedError
from transforms.writing.faults import writing

_WITH_RESULTS = """
SELECT run_id, count(*) FROM main.current
WHERE status IN ('tagged', 'extracted', 'duplicate') GROUP BY run_id
"""


class Sort(StrEnum):
    """What tables are sorted by for search: tags have a table of their own then, all others are by track."""

    TAG = "tag"
    TRACK = "track"


@dataclass(frozen=True, slots=True)
class Work:
    """What to compact, under which id, and how; `progress` is told a table and its rows so far.

    `folder_uri` is where the tables go, if not into the compaction's own folder under the output.
    """

    committed: Committed
    current_id: str
    sort: Sort
    rows_per_file: int
    memory_mb: int
    progress: Callable[[str, int], None]
    folder_uri: str = ""

    @property
    def uri(self) -> str:
        """Folder of the compaction."""
        return self.folder_uri or join(self.committed.output_uri, CURRENT_FOLDER_PREFIX + self.current_id)


def write_compaction(work: Work, *, scratch: Path) -> CompactionRecord:
    """Write all tables and, last, the record: from then on readers take them for those of the runs in it.

    Raises UnbalancedError where rows are missing, OutputError where they cannot be written, and
    DataError(bad_output) where another compaction was finished meanwhile.
    """
    started = timestamp()
    tables = write_tables(work, scratch=scratch)
    record = CompactionRecord(
        current_id=work.current_id,
        started=started,
        finished=timestamp(),
        sort=work.sort.value,
        runs=tuple(work.committed.run_ids),
        tables=tables,
        version=version("moodscribe"),
    )
    _commit(work, record)
    return record


def write_tables(work: Work, *, scratch: Path) -> dict[str, CompactedFiles]:
    """Write all tables, sorted; UnbalancedError where rows are missing, OutputError where they cannot be
    written."""
    # Half of the memory is DuckDB's; the rest is for rows on their way, several times over.
    room = Room(scratch, (work.memory_mb << 20) // 16)
    connection = connect_bounded(work.committed.output_uri, memory_mb=work.memory_mb // 2, scratch=scratch)
    try:
        define_views(connection, work.committed, keep=True)
        rows = CurrentRows(work.committed, connection, room)
        written = _write_all(work, rows)
        _check(work.committed, dict(connection.sql(_WITH_RESULTS).fetchall()), rows.tracks, written)
    finally:
        connection.close()
    return {name: one.files for name, one in written.items()}


@dataclass(frozen=True, slots=True)
class _Written:
    """What is written of a table: where rows are by track, in `tracks` of how many they are."""

    files: CompactedFiles
    tracks: int


def _write_all(work: Work, source: CurrentRows) -> dict[str, _Written]:
    written = {}
    for name in (*work.committed.names, MARKS.name):
        work.progress(name, 0)
        written[name] = _write(work, *source.of(name), together="track_id")
    if work.sort is Sort.TAG and MOOD_TAGS.name in written:
        work.progress(MOOD_TAGS_BY_TAG.name, 0)
        files = [join(work.uri, name) for name in written[MOOD_TAGS.name].files.files]
        by_tag = _write(work, MOOD_TAGS_BY_TAG, source.by_tag(files), together=None)
        written[MOOD_TAGS_BY_TAG.name] = by_tag
    return written


def _write(work: Work, table: Table, batches: Iterable[pa.RecordBatch], *, together: str | None) -> _Written:
    rows = tracks = 0

    def count(group: pa.Table) -> None:
        nonlocal rows, tracks
        rows += len(group)
        tracks += 1 + len(key_begins(group["track_id"]))
        work.progress(table.name, rows)

    # No row group is larger than a file may be.
    most = replace(table, row_group_rows=min(table.row_group_rows, work.rows_per_file))
    groups = row_groups(batches, most, together=together)
    files = write_files(groups, table, work.uri, rows_per_file=work.rows_per_file, written=count)
    return _Written(files, tracks)


def _check(
    committed: Committed, with_results: Mapping[str, int], tracks: int, written: Mapping[str, _Written]
) -> None:
    """Raise UnbalancedError unless every table has rows of all tracks whose runs have written such rows;
    `with_results` counts them by run."""
    tables = {run["run_id"]: run["tables"] for run in all_records(committed)}
    due = {
        name: sum(count for run_id, count in with_results.items() if name in tables[run_id])
        for name in committed.results
    }
    wrong = [
        f"tracks in {name}: {written[name].tracks}, accounted for: {count}"
        for name, count in {TRACKS.name: tracks, **due}.items()
        if written[name].tracks != count
    ]
    if MOOD_TAGS_BY_TAG.name in written:
        rows = {name: written[name].files.rows for name in (MOOD_TAGS_BY_TAG.name, MOOD_TAGS.name)}
        if len(set(rows.values())) > 1:
            wrong.append(", ".join(f"rows of {name}: {count}" for name, count in rows.items()))
    if wrong:
        raise UnbalancedError(wrong)


def _commit(work: Work, record: CompactionRecord) -> None:
    """The runs' records first, for they may be dropped; then the compaction's own."""
    newest = committed_ids(work.committed.output_uri, CURRENT_FOLDER_PREFIX, CURRENT_FILE)[-1:]
    if newest > [work.current_id]:
        message = (
            f"{work.committed.output_uri}: compaction {newest[0]} was finished meanwhile; this one is dropped"
        )
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, message)
    with writing(work.uri):
        lines = (json.dumps(run, ensure_ascii=False) + "\n" for run in all_records(work.committed))
        write_text(join(work.uri, RUNS_FILE), "".join(lines))
        write_text(join(work.uri, CURRENT_FILE), record.to_json())
