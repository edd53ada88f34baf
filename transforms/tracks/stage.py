"""ProcessTracks: groups of tracks to outcomes and Parquet parts, read to rows in one fused stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.shared import Shared

from schemas.track import Outcome, TrackGroup
from transforms.metrics import observed, settled, summed
from transforms.object_stores.retries import take_retries
from transforms.outputs import CARRY, PARTS, SUMS, at_end
from transforms.progress import Event, ProgressLog
from transforms.tracks.work import Job, Worker
from transforms.writing.parts import Part, PartWriter


class ProcessTracks(beam.PTransform):  # type: ignore[misc]
    """(TrackGroup) -> Outcome; outputs besides: CARRY Track whose known results stand, PARTS of the job's
    results, SUMS."""

    def __init__(self, job: Job, *, progress_file: str | None = None) -> None:
        super().__init__()
        self._job = job
        self._progress_file = progress_file

    def expand(self, groups: Any) -> Any:
        """See the class."""
        process = _Process(self._job, Shared(), self._progress_file)
        return groups | "Process" >> beam.ParDo(process).with_outputs(CARRY, PARTS, SUMS, main="outcomes")


class _Process(beam.DoFn):  # type: ignore[misc]
    def __init__(self, job: Job, shared: Shared, progress_file: str | None) -> None:
        self._job = job
        self._shared = shared
        self._progress_file = progress_file

    def setup(self) -> None:
        self._progress = ProgressLog(self._progress_file)
        self._parts: list[Part] = []
        self._worker: Worker | None = None

    def start_bundle(self) -> None:
        job = self._job
        self._histograms: Counter[str] = Counter()
        self._writer = PartWriter(job.identity.staging_uri, job.results, rows_per_file=job.rows_per_file)

    def process(self, group: TrackGroup) -> Iterable[Any]:
        if self._worker is None:  # models are loaded where there is work, and only there
            self._loaded = self._shared.acquire(self._job.load)
            self._worker = self._job.worker(self._loaded, self._sink)
        yield from self._report(self._worker.process(group))
        self._histograms.update(observed(self._worker.take_values()))
        yield from self._closed_parts()

    def finish_bundle(self) -> Iterable[Any]:
        for element in self._end():
            yield at_end(element)

    def teardown(self) -> None:
        if self._worker is not None:
            self._worker.close()
        self._progress.close()

    def _end(self) -> Iterator[Any]:
        if self._worker is None:
            return
        yield from self._report(self._worker.flush())
        self._parts.extend(self._writer.close())
        yield from self._closed_parts()
        self._histograms.update(observed(self._worker.take_values()))
        yield summed({**self._worker.take_sums(), **self._histograms, **take_retries()})

    def _sink(self, table: str, rows: Sequence[Any]) -> None:
        self._parts.extend(self._writer.write(table, rows))

    def _closed_parts(self) -> Iterator[Any]:
        closed, self._parts = self._parts, []
        yield from (TaggedOutput(PARTS, part) for part in closed)

    def _report(self, outcomes: Iterator[Outcome]) -> Iterator[Any]:
        for outcome in outcomes:
            settled()
            self._progress.add(Event.FAILED if outcome.error else Event.DONE)
            yield TaggedOutput(CARRY, outcome.track) if outcome.stands else outcome
