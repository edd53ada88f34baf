"""TagTracks: groups of tracks to outcomes and Parquet parts, from reading to rows in one fused stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.shared import Shared

from models.bundle import Bundle
from models.bundle_source import open_bundle
from models.ensemble import Ensemble
from schemas.errors import bad_bundle
from schemas.identity import RunIdentity
from schemas.tables import TABLES
from schemas.track import Outcome, TrackGroup
from transforms.outputs import PARTS, SUMS, at_end
from transforms.progress import Event, ProgressLog
from transforms.tagging.worker import TaggingWorker, WorkSettings
from transforms.writing.parts import Part, PartWriter


@dataclass(frozen=True, slots=True)
class TaggingJob:
    """What a worker needs to tag: where its bundle is, which one it must be, and how to work."""

    bundle_source: str
    bundle_sha256: str
    identity: RunIdentity
    work: WorkSettings
    rows_per_file: int


class TagTracks(beam.PTransform):  # type: ignore[misc]
    """(TrackGroup) -> Outcome; outputs besides: PARTS of mood_tags and emotion_curves, SUMS."""

    def __init__(self, job: TaggingJob, *, progress_file: str | None = None) -> None:
        super().__init__()
        self._job = job
        self._progress_file = progress_file

    def expand(self, groups: Any) -> Any:
        """See the class."""
        tag = _Tag(self._job, Shared(), self._progress_file)
        return groups | "Tag" >> beam.ParDo(tag).with_outputs(PARTS, SUMS, main="outcomes")


@dataclass(frozen=True)  # without slots: Beam shares it by weak reference
class _Loaded:
    """A bundle and its models, shared by the threads of a worker process."""

    bundle: Bundle
    models: Ensemble


def load(source: str, sha256: str) -> _Loaded:
    """Open and build a bundle; DataError(bad_bundle) if it is not the one that the job was made with."""
    bundle = open_bundle(source)
    if bundle.sha256 != sha256:
        raise bad_bundle(f"bundle {source} has changed since the job began: {bundle.sha256}, not {sha256}")
    models = Ensemble(bundle)
    models.load()
    return _Loaded(bundle, models)


class _Tag(beam.DoFn):  # type: ignore[misc]
    def __init__(self, job: TaggingJob, shared: Shared, progress_file: str | None) -> None:
        self._job = job
        self._shared = shared
        self._progress_file = progress_file
        self._settled = Metrics.counter("moodscribe", "settled")

    def setup(self) -> None:
        job = self._job
        self._loaded = self._shared.acquire(lambda: load(job.bundle_source, job.bundle_sha256))
        self._progress = ProgressLog(self._progress_file)
        self._parts: list[Part] = []
        self._worker = TaggingWorker(
            self._loaded.bundle, self._loaded.models, job.work, run_id=job.identity.run_id, sink=self._sink
        )

    def start_bundle(self) -> None:
        self._writer = PartWriter(
            self._job.identity.staging_uri, TABLES, rows_per_file=self._job.rows_per_file
        )

    def process(self, group: TrackGroup) -> Iterable[Any]:
        yield from self._report(self._worker.process(group))
        yield from self._closed_parts()

    def finish_bundle(self) -> Iterable[Any]:
        for element in self._end():
            yield at_end(element)

    def teardown(self) -> None:
        self._worker.close()
        self._progress.close()

    def _end(self) -> Iterator[Any]:
        yield from self._report(self._worker.flush())
        self._parts.extend(self._writer.close())
        yield from self._closed_parts()
        yield TaggedOutput(SUMS, self._worker.take_sums())

    def _sink(self, table: str, rows: Sequence[Any]) -> None:
        self._parts.extend(self._writer.write(table, rows))

    def _closed_parts(self) -> Iterator[Any]:
        closed, self._parts = self._parts, []
        yield from (TaggedOutput(PARTS, part) for part in closed)

    def _report(self, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        for outcome in outcomes:
            self._settled.inc()
            self._progress.add(Event.FAILED if outcome.error else Event.DONE)
            yield outcome
