"""`moodscribe index`: the current tables as documents, by a Beam job, into an index."""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pipelines.cli import EXIT_ACCOUNT, EXIT_DONE, EXIT_STOPPED, EXIT_TOO_MANY_FAILURES
from pipelines.indexing.destinations import Destination, Load, destination
from pipelines.indexing.job import load
from pipelines.indexing.reports import Account, account_of
from pipelines.indexing.sorted_tables import read_catalogue
from pipelines.output.connection import machine_memory_mb
from pipelines.running.beam_options import beam_options
from pipelines.running.local_runner import few_workers
from schemas.errors import OutputError
from transforms.writing.account import UnbalancedError

# A process takes longer to start than to bring in so many documents.
_DOCUMENTS_A_WORKER = 10_000


def run_index(arguments: argparse.Namespace) -> int:
    """Load an index; the exit status."""
    begin = time.monotonic()
    where = destination(arguments)
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    folder = tempfile.TemporaryDirectory(prefix="moodscribe-", ignore_cleanup_errors=True)
    with _interrupted_by_sigterm(), folder as scratch:
        try:
            account, sentences = _index(arguments, where, Path(scratch))
        except UnbalancedError as error:
            _say(f"{error}; nothing was loaded")
            return EXIT_ACCOUNT
        except OutputError as error:
            _say(str(error))
            return EXIT_STOPPED
    print(f"{account}\n{'; '.join(sentences)}; {time.monotonic() - begin:,.1f} s", flush=True)
    for reason in account.first:
        _say(f"refused: {reason}")
    if not account.complete:
        _say(f"accounted for: {account.counts.total():,} of {account.documents:,} documents")
        return EXIT_ACCOUNT
    if account.failed:
        _say(f"{account.failed:,} documents were refused, see {arguments.failures}")
        return EXIT_TOO_MANY_FAILURES
    return EXIT_DONE


def _index(arguments: argparse.Namespace, where: Destination, scratch: Path) -> tuple[Account, list[str]]:
    memory_mb = arguments.memory_mb or machine_memory_mb() // 4
    catalogue = read_catalogue(
        arguments.output, folder_uri=str(scratch / "tables"), scratch=scratch, memory_mb=memory_mb
    )
    workers = arguments.workers or few_workers(catalogue.documents * 50 // _DOCUMENTS_A_WORKER)
    options = beam_options([], command="index", workers=workers)
    reports = scratch / "reports"
    reports.mkdir()
    target = where.prepare(Load(catalogue, str(reports), workers))
    ended = False
    try:
        load(catalogue, target, options, reports_uri=str(reports), progress_file=scratch / "progress")
        account = account_of(catalogue.slices, str(reports), failures=arguments.failures)
        sentences = where.finish(account) if account.complete else []
        ended = account.complete
    except OutputError as error:
        ended = True
        raise OutputError(f"{error}; {_abandon(where)}") from error
    finally:
        if not ended:
            _say(_abandon(where))
    return account, sentences


def _abandon(where: Destination) -> str:
    try:
        return where.abandon()
    except OutputError as error:
        return f"what was made ready is left behind: {error}"


@contextlib.contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """End as Ctrl-C does, with what was made ready undone."""
    if threading.current_thread() is not threading.main_thread():  # which alone hears signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(message: str) -> None:
    print(f"moodscribe index: {message}", file=sys.stderr, flush=True)
