"""`moodscribe report`: the page from the command's arguments, written whole or not at all."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from pipelines.cli import EXIT_DONE, EXIT_STOPPED
from pipelines.output.committed import Committed, all_records, read_committed
from pipelines.output.connection import connect_bounded, machine_memory_mb
from pipelines.output.drift.named_runs import find_run
from pipelines.output.faults import duckdb_faults
from pipelines.pages.document import render
from pipelines.pages.writing import check_page, write_page
from pipelines.reporting.facts import Facts
from pipelines.reporting.page import report_page
from pipelines.reporting.reading import Asked, read_facts
from pipelines.tables import features_of, refuse_empty
from schemas.errors import DataError, FailureKind, OutputError, Stage
from schemas.features import NAME as FEATURES
from transforms.storage import absolute


def run_report(arguments: argparse.Namespace) -> int:
    """Write the report; the exit status."""
    begun = time.monotonic()
    check_page(arguments.page)
    try:
        facts = _read(arguments)
        size = write_page(arguments.page, render(report_page(facts)))
    except OutputError as error:
        print(f"moodscribe report: {error}", file=sys.stderr)
        return EXIT_STOPPED
    seconds = time.monotonic() - begun
    run = facts.account.run_ids[-1]
    print(f"{arguments.page}: report of run {run}, {size / 1e6:.1f} MB, in {seconds:.1f} s")
    return EXIT_DONE


def _refuse_features(committed: Committed) -> None:
    """Raise DataError(bad_input) where the runs are those of a front end."""
    if FEATURES not in committed.names:
        return
    record = all_records(committed)[-1]
    held = features_of(record["front_end"]["key"], record["settings"])
    message = f"{committed.output_uri}: no moods there, but {held}"
    raise DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)


def _read(arguments: argparse.Namespace) -> Facts:
    committed = read_committed(absolute(arguments.output))
    refuse_empty(committed)
    _refuse_features(committed)
    run_id = find_run(committed, arguments.run_name)
    against = None if arguments.against is None else find_run(committed, arguments.against)
    memory_mb = arguments.memory_mb or machine_memory_mb() // 4
    asked = Asked(run_id, against, arguments.track)
    with duckdb_faults(), tempfile.TemporaryDirectory(prefix="moodscribe-") as scratch:
        connection = connect_bounded(committed.output_uri, memory_mb=memory_mb, scratch=Path(scratch))
        try:
            return read_facts(connection, committed, asked, say=_say)
        finally:
            _say("")
            connection.close()


def _say(what: str) -> None:
    """What is under way, on a line of the terminal that goes away."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{f'reading {what}' if what else ''}", end="", file=sys.stderr, flush=True)
