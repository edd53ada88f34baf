"""One worker's way of a track, from its URI to its features: read, decode, front end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from schemas import features
from schemas.errors import DataError
from schemas.track import Outcome, TrackGroup, standing
from schemas.tracks import Status
from transforms.features.front_end import Extractor, FrontEnd
from transforms.features.rows import as_lists, feature_row
from transforms.tracks.reader import ReadSettings, TrackReader, TrackReading
from transforms.tracks.stage_clock import StageClock
from transforms.tracks.work import Sink


@dataclass(frozen=True, slots=True)
class FeatureWork:
    """What is made of each track: a front end by name, its settings, the type of the values."""

    front_end: FrontEnd[Any]
    settings: Any
    dtype: str = "float32"
    read: ReadSettings = field(default_factory=ReadSettings)


class FeatureWorker:
    """Runs a front end on one whole track after another; see transforms.tracks.work.Worker."""

    def __init__(self, work: FeatureWork, extractor: Extractor, *, run_id: str, sink: Sink) -> None:
        self._dtype = work.dtype
        self._extractor = extractor
        self._layout = work.front_end.layout(work.settings)
        self._names = pa.array(self._layout.names, pa.string())
        self._run_id = run_id
        self._sink = sink
        self._rate_hz = work.front_end.rate_hz
        self._reader = TrackReader(work.read)
        self._clock = StageClock()
        self._audio_s = 0.0
        self._decoded_ms: list[int] = []

    def close(self) -> None:
        """End the decoder process."""
        self._reader.close()

    def process(self, group: TrackGroup) -> Iterator[Outcome]:
        """Take a track; yield what became of it and of its copies."""
        reading = None
        try:
            reading = self._reader.open(group.first.uri, self._clock)
            if known := standing(group, reading.facts.file_sha256, done=Status.EXTRACTED):
                yield from known
                return
            values = self._values(reading)
        except DataError as error:
            facts = reading.facts if reading else None
            yield from (Outcome(track, Status.FAILED, facts, error) for track in group.tracks)
            return
        for track in group.tracks:
            row = feature_row(track.track_id, values, self._layout, names=self._names, run_id=self._run_id)
            with self._clock.during("rows"):
                self._sink(features.NAME, [row])
            yield Outcome(track, Status.EXTRACTED, reading.facts)

    def flush(self) -> Iterator[Outcome]:
        """Nothing waits here."""
        return iter(())

    def take_sums(self) -> dict[str, float]:
        """Seconds by stage and seconds of audio since the last call."""
        sums = {**self._clock.take_sums(), "audio_s": self._audio_s}
        self._audio_s = 0.0
        return sums

    def take_values(self) -> dict[str, list[int]]:
        """Milliseconds by stage and of audio since the last call."""
        values = {**self._clock.lap(), "decoded_ms": self._decoded_ms}
        self._decoded_ms = []
        return values

    def _values(self, reading: TrackReading) -> pa.FixedSizeListArray:
        samples = reading.samples(self._rate_hz)
        decoded_s = reading.facts.decoded_s or 0.0
        self._audio_s += decoded_s
        self._decoded_ms.append(round(1000 * decoded_s))
        with self._clock.during("features"):
            values = self._extractor(samples, rate_hz=reading.rate_hz)
        with self._clock.during("rows"):
            return as_lists(values, self._layout, dtype=self._dtype)
