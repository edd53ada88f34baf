"""The job of features on a worker process, and front ends as a transform of samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
import pyarrow as pa

from schemas.features import NAME, FeatureRow, features_table
from schemas.identity import RunIdentity
from schemas.table import Table
from schemas.tracks import Status
from transforms.features.front_end import Extractor
from transforms.features.registry import choose, front_end
from transforms.features.worker import FeatureWork, FeatureWorker
from transforms.tracks.reader import ReadSettings
from transforms.tracks.work import Restate, Sink


@dataclass(frozen=True)  # without slots: Beam shares it by weak reference
class Loaded:
    """A front end whose weights are in memory."""

    extractor: Extractor


@dataclass(frozen=True, slots=True)
class FeatureJob:
    """What a worker needs: which front end with which settings, and how to read and keep."""

    name: str
    settings: Any
    dtype: str
    identity: RunIdentity
    read: ReadSettings
    rows_per_file: int

    @property
    def results(self) -> Mapping[str, Table]:
        """The one table of features, as wide as the front end's rows."""
        width = len(front_end(self.name).layout(self.settings).names)
        return {NAME: features_table(width, self.dtype)}

    @property
    def done(self) -> Status:
        """Extracted."""
        return Status.EXTRACTED

    def load(self) -> Loaded:
        """Start the front end; DataError where its weights or its library are missing."""
        return Loaded(front_end(self.name).start(self.settings))

    def worker(self, loaded: Loaded, sink: Sink) -> FeatureWorker:
        """A worker on the started front end."""
        work = FeatureWork(front_end(self.name), self.settings, self.dtype, self.read)
        return FeatureWorker(work, loaded.extractor, run_id=self.identity.run_id, sink=sink)

    def restate(self) -> Restate:
        """The same features, as of this run."""
        return partial(_restated, run_id=self.identity.run_id)


def _restated(_table: str, rows: pa.Table, *, run_id: str) -> list[FeatureRow]:
    return [
        FeatureRow(
            track_id=rows["track_id"][0].as_py(),
            start_s=rows["start_s"][0].as_py(),
            step_s=rows["step_s"][0].as_py(),
            names=rows["names"].combine_chunks().flatten(),
            values=rows["values"].combine_chunks().flatten(),
            run_id=run_id,
        )
    ]


class ExtractFeatures(beam.PTransform):  # type: ignore[misc]
    """((track_id, samples)) -> (track_id, features): a front end at its rate, by name and preset.

    Samples are float32 [n]; what they are not costs a DataError, which Beam's own dead letters can take.
    """

    def __init__(self, name: str, *, preset: str | None = None, rate_hz: int | None = None) -> None:
        super().__init__()
        self._name = name
        self._preset = preset
        self._rate_hz = rate_hz

    def expand(self, tracks: Any) -> Any:
        """See the class."""
        return tracks | self._name >> beam.ParDo(_Extract(self._name, self._preset, self._rate_hz))


class _Extract(beam.DoFn):  # type: ignore[misc]
    def __init__(self, name: str, preset: str | None, rate_hz: int | None) -> None:
        chosen = front_end(name)
        self._name = name
        self._settings = choose(chosen, preset, {})
        self._rate_hz = chosen.rate_hz or rate_hz

    def setup(self) -> None:
        self._extract = front_end(self._name).start(self._settings)

    def process(self, element: tuple[str, Any]) -> Any:
        track_id, samples = element
        yield track_id, self._extract(samples, rate_hz=self._rate_hz or 0)
