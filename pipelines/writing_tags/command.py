"""`moodscribe write-tags`: the tables of runs into the tags of the files that they are of."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console

from pipelines.cli import EXIT_ACCOUNT, EXIT_DONE, EXIT_STOPPED, EXIT_TOO_MANY_FAILURES
from pipelines.running.progress_line import ProgressLine
from pipelines.tables import MoodTables, open_tables
from pipelines.writing_tags.containers.container import check_installed
from pipelines.writing_tags.fields import Choice
from pipelines.writing_tags.one_file import Became, FileRow, Manner
from pipelines.writing_tags.text import Account, as_json, table_of
from pipelines.writing_tags.tracks import MoodChoice, common_folder, refuse_catalogue, tasks, track_count
from pipelines.writing_tags.workers import settle_all
from schemas.errors import DataError, FailureKind, OutputError, Stage
from transforms.progress import Event, ProgressLog
from transforms.storage import absolute
from transforms.writing.faults import writing

_WIDTH = 150


def run_write_tags(arguments: argparse.Namespace) -> int:
    """Write, or say what would be written; the exit status."""
    if arguments.apply and not (arguments.in_place or arguments.sidecar):
        raise _refusal("--apply needs to know where to: --in-place or --sidecar FOLDER")
    if arguments.root and not arguments.sidecar:
        raise _refusal("--root is for --sidecar")
    print(f"moodscribe write-tags: tags by {check_installed()}", file=sys.stderr)
    tables = open_tables(absolute(arguments.output))
    try:
        return _write(arguments, tables)
    except OutputError as error:
        print(f"moodscribe write-tags: {error}", file=sys.stderr)
        return EXIT_STOPPED
    finally:
        tables.connection.close()


def _write(arguments: argparse.Namespace, tables: MoodTables) -> int:
    count = track_count(tables)
    account, shown = Account(), list[FileRow]()
    workers = min(arguments.workers or os.cpu_count() or 1, max(1, count))
    some = tasks(tables, MoodChoice(arguments.moods, arguments.grade))
    with _account_file(arguments.json) as lines, _progress(count) as progress:
        for row in settle_all(some, _manner(arguments, tables), workers=workers):
            account.add(row)
            progress.add(Event.FAILED if row.became is Became.FAILED else Event.DONE)
            if row.became in (Became.WRITTEN, Became.FAILED) and len(shown) < arguments.show:
                shown.append(row)
            if lines:
                with writing(arguments.json):
                    lines.write(as_json(row))
    if shown:
        console = Console(width=None if sys.stdout.isatty() else _WIDTH)
        console.print(table_of(shown, apply=arguments.apply))
    return _report(account, count, arguments)


def _manner(arguments: argparse.Namespace, tables: MoodTables) -> Manner:
    root = Path(absolute(arguments.root)) if arguments.root else common_folder(tables)
    sidecar = Path(arguments.sidecar).resolve() if arguments.sidecar else None
    if sidecar:
        refuse_catalogue(tables, sidecar)
    return Manner(
        apply=arguments.apply,
        tag_format=arguments.format,
        choice=Choice(tuple(arguments.fields), arguments.keep_moods),
        changed=arguments.changed,
        keep_times=arguments.keep_times,
        sidecar=sidecar,
        root=root,
    )


def _report(account: Account, count: int, arguments: argparse.Namespace) -> int:
    """Print the account; the exit status."""
    for line in account.lines(apply=arguments.apply):
        print(line)
    written, failed = (account.counts[one] for one in (Became.WRITTEN, Became.FAILED))
    if written and not arguments.apply:
        print("nothing was written: --apply with --in-place or --sidecar FOLDER writes")
    if account.tracks != count:
        print(f"moodscribe write-tags: {account.tracks:,} accounted for of {count:,} tracks", file=sys.stderr)
        return EXIT_ACCOUNT
    tried = account.tracks - account.counts[Became.LEFT]
    if tried and failed / tried > arguments.max_failure_rate:
        share = f"{failed:,} of {tried:,} files failed"
        print(f"moodscribe write-tags: {share}, above {arguments.max_failure_rate:.0%}", file=sys.stderr)
        return EXIT_TOO_MANY_FAILURES
    return EXIT_DONE


@contextlib.contextmanager
def _account_file(name: str | None) -> Iterator[TextIO | None]:
    """The file for the account of every track, if one is wanted."""
    if name is None:
        yield None
        return
    try:
        file = Path(name).open("w", encoding="utf-8")  # noqa: SIM115 - closed below, in any case
    except OSError as error:
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, f"{name}: {error.strerror}") from error
    with writing(name), file:
        yield file


@contextlib.contextmanager
def _progress(count: int) -> Iterator[ProgressLog]:
    """The line that moves while files are written."""
    with tempfile.TemporaryDirectory(prefix="moodscribe-") as folder:
        path = Path(folder) / "progress"
        log = ProgressLog(str(path))
        log.add(Event.READ, count)
        try:
            with ProgressLine(path):
                yield log
        finally:
            log.close()


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
