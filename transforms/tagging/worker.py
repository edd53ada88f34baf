"""One worker's way of a track, from its URI to its tags and curves: read, decode, features, models.

    front ends -> images -> encoders -> heads and all other members -> rows

Each of the three in the middle has batches across tracks, in which a track may wait for others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from models.bundle import Bundle
from schemas.errors import DataError, FailureKind, Stage
from schemas.precision import Precision
from schemas.track import FileFacts, Outcome, Track, TrackGroup, standing
from schemas.tracks import Status
from transforms.incremental.cached_tracks import CachedTrack, CachedTracks
from transforms.incremental.feature_cache import CacheWriter, FeatureCache
from transforms.incremental.stored_features import StoredFeatures
from transforms.tagging.batcher import Models, Prediction, TrackBatcher, groups_of, not_finite
from transforms.tagging.encoding import EncoderBatcher
from transforms.tagging.features import Features, FrontEnds, Rows
from transforms.tagging.image_batches import ImageBatcher
from transforms.tagging.rows import rows_of
from transforms.tagging.windows import Coverage, TaggingPlan
from transforms.tracks.reader import ReadSettings, TrackReader, TrackReading
from transforms.tracks.stage_clock import StageClock
from transforms.tracks.work import Sink

BATCH = 16


@dataclass(frozen=True)  # without slots: Beam shares it by weak reference
class Loaded:
    """A bundle, its models and its front ends, shared by the threads of a worker process."""

    bundle: Bundle
    models: Models
    front_ends: FrontEnds


@dataclass(frozen=True, slots=True)
class WorkSettings:
    """How tracks are read and tagged; none of it depends on where."""

    coverage: Coverage = Coverage.WHOLE
    stride_s: float = 20.0
    batch_size: int = BATCH
    all_tags: bool = False
    precision: Precision = Precision.FLOAT32
    read: ReadSettings = field(default_factory=ReadSettings)
    cache: FeatureCache | None = None

    @property
    def plan(self) -> TaggingPlan:
        """How tracks are cut."""
        return TaggingPlan(self.coverage, self.stride_s)


@dataclass(frozen=True, slots=True)
class _Work:
    """A group of equal tracks under way, with the facts of their file."""

    group: TrackGroup
    facts: FileFacts
    steps: int


def _steps(features: Features) -> int:
    """Half seconds of a track; DataError(too_short) where there is none."""
    rows = next(iter(features.values()))
    steps = rows.total_samples * 2 // rows.rate_hz
    if not steps:
        message = f"{rows.total_samples / rows.rate_hz:.2f} s decoded, at least 0.5 s are needed"
        raise DataError(FailureKind.TOO_SHORT, Stage.DECODE, message)
    return steps


def _failed(group: TrackGroup, facts: FileFacts | None, error: DataError) -> Iterator[Outcome]:
    return (Outcome(track, Status.FAILED, facts, error) for track in group.tracks)


class TaggingWorker:
    """Tags one track after another and hands their rows to a sink; see transforms.tracks.work.Worker."""

    def __init__(self, loaded: Loaded, settings: WorkSettings, *, run_id: str, sink: Sink) -> None:
        self._bundle = loaded.bundle.deciding(all_tags=settings.all_tags)
        self._front_ends = loaded.front_ends
        self._run_id = run_id
        self._sink = sink
        self._images: ImageBatcher[_Work] = ImageBatcher(on_batch=partial(self._value, "batch_images"))
        self._encoders: EncoderBatcher[_Work] = EncoderBatcher(loaded.models, loaded.bundle, settings.plan)
        self._batcher: TrackBatcher[_Work] = TrackBatcher(
            loaded.models,
            groups_of(loaded.bundle.predictors),
            settings.plan,
            batch_size=settings.batch_size,
            on_batch=partial(self._value, "batch_windows"),
        )
        self._reader = TrackReader(settings.read)
        self._clock = StageClock()
        self._cache = CacheWriter(settings.cache) if settings.cache else None
        self._stored = StoredFeatures(loaded.front_ends)
        self._audio_s = 0.0
        self._values: defaultdict[str, list[int]] = defaultdict(list)
        self._cached = 0
        self._tags: Counter[str] = Counter()

    def close(self) -> None:
        """End the decoder process."""
        self._reader.close()
        if self._cache is not None:
            self._cache.discard()

    def process(self, group: TrackGroup | CachedTracks) -> Iterator[Outcome]:
        """Take a track, or those of a row group of a feature cache; yield the outcomes that are settled now,
        of these or of earlier ones."""
        if isinstance(group, CachedTracks):
            yield from self._tag(map(self._from_cache, group.tracks), keep=False)
            return
        reading = None
        try:
            reading = self._reader.open(group.first.uri, self._clock)
            if known := standing(group, reading.facts.file_sha256, done=Status.TAGGED):
                yield from known
                return
            features = self._features(reading)
            work = _Work(group, reading.facts, _steps(features))
        except DataError as error:
            yield from _failed(group, reading.facts if reading else None, error)
            return
        yield from self._encode(self._images.add(work, features))

    def flush(self) -> Iterator[Outcome]:
        """Send what waits for a full batch; yield the outcomes left."""
        yield from self._encode(self._images.flush())
        yield from self._tag(self._encoders.flush())
        with self._clock.during("models"):
            done = list(self._batcher.flush())
        yield from self._settle(done)
        if self._cache is not None:
            self._cache.flush()

    def take_sums(self) -> dict[str, float]:
        """Seconds by stage, seconds of audio and tracks by tag since the last call."""
        tags = {f"tag.{tag}": float(count) for tag, count in self._tags.items()}
        sums = {**self._clock.take_sums(), **tags, "audio_s": self._audio_s, "cached": float(self._cached)}
        self._tags, self._audio_s, self._cached = Counter(), 0.0, 0
        return sums

    def take_values(self) -> dict[str, list[int]]:
        """Milliseconds by stage and of audio, and sizes of batches, since the last call."""
        values = {**self._clock.lap(), **self._values}
        self._values.clear()
        return values

    def _value(self, distribution: str, value: int) -> None:
        self._values[distribution].append(value)

    def _features(self, reading: TrackReading) -> Features:
        with self._clock.during("features"):
            features = self._front_ends.features_of(reading)
        decoded_s = reading.facts.decoded_s or 0.0
        self._audio_s += decoded_s
        self._value("decoded_ms", round(1000 * decoded_s))
        return features

    def _encode(self, complete: Iterator[tuple[_Work, Mapping[str, Rows]]]) -> Iterator[Outcome]:
        for work, rows in self._clock.waiting("features", complete):
            yield from self._tag(self._encoders.add(work, rows))

    def _from_cache(self, cached: CachedTrack) -> tuple[_Work, Mapping[str, Rows]]:
        """A track of known audio with what the predictors take of it."""
        rows = self._stored.features(cached.places)
        if cached.track.known is None:
            raise RuntimeError(f"track {cached.track.track_id} is not known, but its features are")
        self._cached += 1
        return _Work(TrackGroup(cached.track), cached.track.known.facts, _steps(rows)), rows

    def _tag(
        self, complete: Iterator[tuple[_Work, Mapping[str, Rows]]], *, keep: bool = True
    ) -> Iterator[Outcome]:
        for work, rows in self._clock.waiting("models", complete):
            if keep and self._cache is not None and work.facts.audio_sha256:
                self._cache.add(work.facts.audio_sha256, rows)
            try:
                done = self._predict(work, rows)
            except DataError as error:
                yield from _failed(work.group, work.facts, error)
            else:
                yield from self._settle(done)

    def _predict(self, work: _Work, rows: Mapping[str, Rows]) -> list[tuple[_Work, Prediction]]:
        with self._clock.during("models"):
            return list(self._batcher.add(work, rows))

    def _settle(self, done: list[tuple[_Work, Prediction]]) -> Iterator[Outcome]:
        for work, prediction in done:
            if error := not_finite(prediction):
                yield from _failed(work.group, work.facts, error)
                continue
            for track in work.group.tracks:
                self._write(track, prediction, steps=work.steps)
                yield Outcome(track, Status.TAGGED, work.facts)

    def _write(self, track: Track, prediction: Prediction, *, steps: int) -> None:
        with self._clock.during("rows"):
            rows = rows_of(track.track_id, prediction, self._bundle, steps=steps, run_id=self._run_id)
            self._tags.update(row.tag for row in rows.get("mood_tags", ()) if row.tagged)
            for table, some in rows.items():
                self._sink(table, some)
