"""One worker's way of a track, from its URI to its tags and curves: read, decode, features, models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from models.bundle import Bundle
from models.registry import Role
from schemas.errors import DataError
from schemas.track import FileFacts, Outcome, Track, TrackGroup
from schemas.tracks import Status
from transforms.features.streams import extract, resolve
from transforms.tagging.batcher import Models, Prediction, TrackBatcher
from transforms.tagging.rows import emotion_curve_row, mood_tag_rows
from transforms.tagging.windows import Coverage, TaggingPlan
from transforms.tracks.reader import ReadSettings, TrackReader, TrackReading
from transforms.tracks.stage import Sink
from transforms.tracks.stage_clock import StageClock


@dataclass(frozen=True, slots=True)
class WorkSettings:
    """How tracks are read and tagged; none of it depends on where."""

    coverage: Coverage = Coverage.WHOLE
    stride_s: float = 20.0
    batch_size: int = 16
    read: ReadSettings = field(default_factory=ReadSettings)

    def plan(self, bundle: Bundle) -> TaggingPlan:
        """The plan for a bundle: its regressors say how far they look."""
        margins = [member.settings.margin for member in bundle.of_role(Role.REGRESSOR)]  # type: ignore[union-attr]
        return TaggingPlan(self.coverage, self.stride_s, max(margins))


@dataclass(frozen=True, slots=True)
class _Work:
    """A group of equal tracks under way, with the facts of their file."""

    group: TrackGroup
    facts: FileFacts


class TaggingWorker:
    """Tags one track after another and hands their rows to a sink; see transforms.tracks.stage.Worker."""

    def __init__(
        self, bundle: Bundle, models: Models, settings: WorkSettings, *, run_id: str, sink: Sink
    ) -> None:
        self._bundle = bundle
        self._run_id = run_id
        self._sink = sink
        self._front_ends = resolve(bundle.front_ends)
        self._batcher: TrackBatcher[_Work] = TrackBatcher(
            models, settings.plan(bundle), batch_size=settings.batch_size
        )
        self._reader = TrackReader(settings.read, rate_hz=bundle.rate_hz)
        self._clock = StageClock()
        self._audio_s = 0.0
        self._tags: Counter[str] = Counter()

    def close(self) -> None:
        """End the decoder process."""
        self._reader.close()

    def process(self, group: TrackGroup) -> Iterator[Outcome]:
        """Take a track; yield the outcomes that are settled now, of this track or of earlier ones."""
        reading = None
        try:
            reading = self._reader.open(group.first.uri, self._clock)
            features = self._features(reading)
            done = self._predict(_Work(group, reading.facts), features, total_samples=reading.total_samples)
        except DataError as error:
            facts = reading.facts if reading else None
            yield from (Outcome(track, Status.FAILED, facts, error) for track in group.tracks)
            return
        yield from self._settle(done)

    def flush(self) -> Iterator[Outcome]:
        """Send what waits for a full batch; yield the outcomes left."""
        with self._clock.during("models"):
            done = list(self._batcher.flush())
        yield from self._settle(done)

    def take_sums(self) -> dict[str, float]:
        """Seconds by stage, seconds of audio and tracks by tag since the last call."""
        sums = {f"seconds.{stage}": value for stage, value in self._clock.seconds.items()}
        sums.update({f"tag.{tag}": float(count) for tag, count in self._tags.items()})
        sums["audio_s"] = self._audio_s
        self._clock, self._tags, self._audio_s = StageClock(), Counter(), 0.0
        return sums

    def _features(self, reading: TrackReading) -> dict[str, NDArray[Any]]:
        with self._clock.during("features"):
            features = extract(
                reading.blocks(), self._front_ends, total_samples=lambda: reading.total_samples
            )
        self._audio_s += reading.facts.decoded_s or 0.0
        return features

    def _predict(
        self, work: _Work, features: dict[str, NDArray[Any]], *, total_samples: int
    ) -> list[tuple[_Work, Prediction]]:
        with self._clock.during("models"):
            return list(self._batcher.add(work, features, total_samples=total_samples))

    def _settle(self, done: list[tuple[_Work, Prediction]]) -> Iterator[Outcome]:
        for work, prediction in done:
            for track in work.group.tracks:
                self._write(track, prediction)
                yield Outcome(track, Status.TAGGED, work.facts)

    def _write(self, track: Track, prediction: Prediction) -> None:
        with self._clock.during("rows"):
            rows = mood_tag_rows(track.track_id, prediction, self._bundle, run_id=self._run_id)
            self._tags.update(row.tag for row in rows if row.tagged)
            self._sink("mood_tags", rows)
            self._sink("emotion_curves", [emotion_curve_row(track.track_id, prediction, run_id=self._run_id)])
