"""One worker's way of a track, from its URI to its rows, without Beam: read, decode, features, models."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.bundle import Bundle
from models.registry import Role
from schemas.errors import DataError
from schemas.track import FileFacts, Outcome, Track, TrackGroup
from schemas.tracks import Status
from transforms.decoding.sandbox import DecodeLimits, SandboxedDecoder
from transforms.features.registry import resolve
from transforms.storage import read_bytes
from transforms.tagging.analysis import StageClock, analyse, file_facts
from transforms.tagging.batcher import Models, Prediction, TrackBatcher
from transforms.tagging.rows import emotion_curve_row, mood_tag_rows
from transforms.tagging.windows import Coverage, TaggingPlan

# Ten seconds fit into a pipe: the decoder is at the next ones while these are looked at.
BLOCK_SAMPLES = 160_000

# Takes the rows of one track for one table.
Sink = Callable[[str, Sequence[Any]], None]


@dataclass(frozen=True, slots=True)
class WorkSettings:
    """How tracks are read and tagged; none of it depends on where."""

    coverage: Coverage = Coverage.WHOLE
    stride_s: float = 20.0
    max_file_bytes: int = 1 << 30
    batch_size: int = 16
    limits: DecodeLimits = field(default_factory=DecodeLimits)

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
    """Tags one track after another and hands their rows to a sink; `close` ends its decoder."""

    def __init__(
        self, bundle: Bundle, models: Models, settings: WorkSettings, *, run_id: str, sink: Sink
    ) -> None:
        self._bundle = bundle
        self._settings = settings
        self._run_id = run_id
        self._sink = sink
        self._front_ends = resolve(bundle.front_ends)
        self._batcher: TrackBatcher[_Work] = TrackBatcher(
            models, settings.plan(bundle), batch_size=settings.batch_size
        )
        self._decoder = SandboxedDecoder(settings.limits, rate_hz=bundle.rate_hz, block_samples=BLOCK_SAMPLES)
        self._clock = StageClock()
        self._audio_s = 0.0
        self._tags: Counter[str] = Counter()

    def close(self) -> None:
        """End the decoder process."""
        self._decoder.close()

    def process(self, group: TrackGroup) -> Iterator[Outcome]:
        """Take a track; yield the outcomes that are settled now, of this track or of earlier ones."""
        facts: FileFacts | None = None
        try:
            begin = time.perf_counter()
            data = read_bytes(group.first.uri, max_bytes=self._settings.max_file_bytes)
            facts = file_facts(data)
            begin = self._clock.add("read", begin)
            audio = self._decoder.decode(data)
            self._clock.add("decode", begin)
            analysis = analyse(
                audio, self._front_ends, facts=facts, rate_hz=self._bundle.rate_hz, clock=self._clock
            )
            facts = analysis.facts
            self._audio_s += facts.decoded_s or 0.0
            work = _Work(group, facts)
            begin = time.perf_counter()
            done = list(self._batcher.add(work, analysis.features, total_samples=analysis.total_samples))
            self._clock.add("models", begin)
        except DataError as error:
            yield from (Outcome(track, Status.FAILED, facts, error) for track in group.tracks)
            return
        yield from self._settle(done)

    def flush(self) -> Iterator[Outcome]:
        """Send what waits for a full batch; yield the outcomes left."""
        begin = time.perf_counter()
        done = list(self._batcher.flush())
        self._clock.add("models", begin)
        yield from self._settle(done)

    def take_sums(self) -> dict[str, float]:
        """Seconds by stage, seconds of audio and tracks by tag since the last call."""
        sums = {f"seconds.{stage}": value for stage, value in self._clock.seconds.items()}
        sums.update({f"tag.{tag}": float(count) for tag, count in self._tags.items()})
        sums["audio_s"] = self._audio_s
        self._clock, self._tags, self._audio_s = StageClock(), Counter(), 0.0
        return sums

    def _settle(self, done: list[tuple[_Work, Prediction]]) -> Iterator[Outcome]:
        for work, prediction in done:
            for track in work.group.tracks:
                self._write(track, prediction)
                yield Outcome(track, Status.TAGGED, work.facts)

    def _write(self, track: Track, prediction: Prediction) -> None:
        begin = time.perf_counter()
        rows = mood_tag_rows(track.track_id, prediction, self._bundle, run_id=self._run_id)
        self._tags.update(row.tag for row in rows if row.tagged)
        self._sink("mood_tags", rows)
        self._sink("emotion_curves", [emotion_curve_row(track.track_id, prediction, run_id=self._run_id)])
        self._clock.add("rows", begin)
