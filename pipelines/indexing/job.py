"""The job that loads an index on this machine: all slices, those left again where a worker dies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pipelines.indexing.reports import undone
from pipelines.indexing.sorted_tables import Catalogue
from pipelines.running.attempts import ATTEMPTS, message_of
from pipelines.running.local_runner import local_runner
from pipelines.running.progress_line import ProgressLine
from pipelines.running.workers.ended import WorkerEndedError
from schemas.errors import DataError, OutputError
from transforms.indexing.loading import Target
from transforms.indexing.slices import Slice
from transforms.indexing.stage import LoadSlice, LoadSlices
from transforms.progress import Event, ProgressLog


def load(
    catalogue: Catalogue, target: Target, options: Any, *, reports_uri: str, progress_file: Path
) -> None:
    """Bring all slices in; each has its report then.

    Raises OutputError where the index is away for too long, or where workers die again.
    """
    log = ProgressLog(str(progress_file))
    log.add(Event.READ, catalogue.documents)
    log.close()
    one = LoadSlice(target, catalogue.layout, reports_uri=reports_uri, progress_file=str(progress_file))
    left = list(catalogue.slices)
    with ProgressLine(progress_file):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _run(left, one, options)
                return
            except WorkerEndedError as error:
                if attempt == ATTEMPTS:
                    raise OutputError(str(error)) from error
                print(f"moodscribe index: {error}; the load goes on", file=sys.stderr, flush=True)
                left = undone(left, reports_uri)


def _run(slices: list[Slice], one: LoadSlice, options: Any) -> None:
    import apache_beam as beam

    runner = local_runner(options)
    try:
        with runner.crew:
            pipeline = beam.Pipeline(runner=runner, options=options)
            _ = pipeline | "LoadSlices" >> LoadSlices(slices, one)
            pipeline.run().wait_until_finish()
    except (OutputError, DataError, RuntimeError) as error:
        for kind in (OutputError, DataError):
            if (message := message_of(error, kind)) is not None:
                raise OutputError(message) from error
        raise
