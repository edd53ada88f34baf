"""`moodscribe compact`: a compaction from the command's arguments, and what to say of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.cli import EXIT_ACCOUNT, EXIT_DONE, EXIT_STOPPED
from pipelines.output.committed import Committed, read_committed
from pipelines.output.compacting.cleaning import Needless, discard_compaction, needless, remove
from pipelines.output.compacting.compaction import Sort, Work, write_compaction
from pipelines.output.connection import machine_memory_mb
from pipelines.output.faults import duckdb_faults
from pipelines.tables import refuse_empty
from schemas.compaction import CURRENT_FOLDER_PREFIX, CompactionRecord
from schemas.errors import OutputError
from schemas.identity import new_run_id
from transforms.storage import absolute, join
from transforms.writing.account import UnbalancedError

_LOG_PERIOD_S = 15.0


def run_compact(arguments: argparse.Namespace) -> int:
    """Compact what is under an output; the exit status."""
    committed = read_committed(absolute(arguments.output))
    refuse_empty(committed)
    sort, begin = Sort(arguments.sort), time.monotonic()
    current_id = new_run_id() if _due(committed, sort) else str((committed.current or {})["current_id"])
    what = needless(committed, current_id, keep=arguments.keep)
    if arguments.dry_run:
        _say(*_intent(committed, what, due=_due(committed, sort)))
        return EXIT_DONE
    if _due(committed, sort):
        memory_mb = arguments.memory_mb or machine_memory_mb() // 4
        progress = SortProgress()
        work = Work(committed, current_id, sort, arguments.rows_per_file, memory_mb, progress)
        try:
            record = _write(work)
        except (OutputError, UnbalancedError) as error:
            print(f"moodscribe compact: {error}; nothing was published", file=sys.stderr)
            return EXIT_STOPPED if isinstance(error, OutputError) else EXIT_ACCOUNT
        finally:
            progress.close()
        _say(*_summary(record, work.uri, seconds=time.monotonic() - begin))
    else:
        _say(f"{len(committed.run_ids):,} runs are in {_uri(committed)} already")
    remove(committed.output_uri, what)
    _say(*_removed(what))
    return EXIT_DONE


def _due(committed: Committed, sort: Sort) -> bool:
    return not committed.current or bool(committed.further) or committed.current["sort"] != sort.value


def _write(work: Work) -> CompactionRecord:
    with _undone(work.uri), duckdb_faults(), tempfile.TemporaryDirectory(prefix="moodscribe-") as scratch:
        return write_compaction(work, scratch=Path(scratch))


@contextmanager
def _undone(uri: str) -> Iterator[None]:
    """Remove the folder of a compaction that does not come to its end."""
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            discard_compaction(uri)


def _summary(record: CompactionRecord, uri: str, *, seconds: float) -> list[str]:
    tables = record.tables
    lines = [f"{tables['tracks'].rows:,} tracks of {len(record.runs):,} runs in {uri}"]
    width = max(map(len, tables))
    for name, table in tables.items():
        files = f"{len(table.files):,} file{'s' if len(table.files) > 1 else ''}"
        lines.append(f"  {name:{width}}  {table.rows:>15,} rows  {_megabytes(table.bytes):>12}  {files}")
    return [*lines, f"{_megabytes(record.bytes)} in {seconds:,.1f} s"]


def _intent(committed: Committed, what: Needless, *, due: bool) -> list[str]:
    if not due:
        lines = [f"nothing to compact: {len(committed.run_ids):,} runs are in {_uri(committed)} already"]
    else:
        since = f"{_uri(committed)} and " if committed.current else ""
        lines = [f"would compact {since}{len(committed.further):,} runs, with these rows:"]
        lines += [f"  {name}: {committed.rows(name):,}" for name in committed.names]
    lines += [f"would remove compaction {one}: {_megabytes(size)}" for one, size in what.compactions.items()]
    lines += [f"would remove run {one}: {_megabytes(size)}" for one, size in what.runs.items()]
    return [*lines, *_waiting(what)]


def _removed(what: Needless) -> list[str]:
    lines = []
    if (what.compactions or what.runs) and not what.waiting:
        counts = f"{len(what.compactions):,} older compactions, the folders of {len(what.runs):,} runs"
        lines.append(f"removed: {counts}; {_megabytes(what.bytes)}")
    return [*lines, *_waiting(what)]


def _waiting(what: Needless) -> list[str]:
    if not what.waiting or not (what.compactions or what.runs):
        return []
    run_id, size = what.waiting[0], _megabytes(what.bytes)
    advice = f"compact again later, or remove .staging/{run_id} if that run is dead"
    return [f"not removed, for run {run_id} may be at work: {size}; {advice}"]


def _uri(committed: Committed) -> str:
    return join(committed.output_uri, CURRENT_FOLDER_PREFIX + str((committed.current or {})["current_id"]))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)


class SortProgress:
    """Rows written so far: a line that moves on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next = time.monotonic()

    def __call__(self, table: str, rows: int) -> None:
        if rows and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + (0.5 if self._terminal else _LOG_PERIOD_S)
        line = f"{table}: {rows:,} rows written" if rows else f"{table}: sorting"
        text = f"\r\x1b[K{line}" if self._terminal else f"moodscribe: {line}\n"
        print(text, end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the line away again."""
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
