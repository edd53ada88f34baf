"""Bytes of a file to features: decode, check, front ends, in one pass over blocks of samples."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_seconds
from schemas.errors import DataError, FailureKind, Stage
from schemas.track import FileFacts
from transforms.decoding.audio import AudioFormat
from transforms.decoding.sandbox import DecodedAudio
from transforms.features.registry import FrontEnd, extract

# Below this peak, -80 dB of full scale, there is nothing to hear and nothing to tag.
SILENCE_PEAK = 1e-4
PARTIAL_BELOW = 0.95


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of a track before the models see it."""

    facts: FileFacts
    features: Mapping[str, NDArray[Any]]
    total_samples: int


@dataclass(slots=True)
class StageClock:
    """Seconds spent by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, stage: str, since: float) -> float:
        """Book the time since `since`; the time now."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - since
        return now

    def waiting(self, stage: str, items: Iterable[Any]) -> Iterator[Any]:
        """The same items, with the time that their source took booked."""
        source = iter(items)
        while True:
            begin = time.perf_counter()
            try:
                item = next(source)
            except StopIteration:
                return
            finally:
                self.add(stage, begin)
            yield item


@dataclass(slots=True)
class _Heard:
    """What a pass over the samples shows: their hash, their peak, how many there are."""

    digest: Any = field(default_factory=hashlib.sha256)
    peak: float = 0.0
    total_samples: int = 0

    def listen(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        for block in blocks:
            peak = max(float(block.max()), -float(block.min())) if len(block) else 0.0
            if not np.isfinite(peak):
                message = f"a sample is not finite within {len(block)} after {self.total_samples}"
                raise DataError(FailureKind.NON_FINITE, Stage.DECODE, message)
            self.peak = max(self.peak, peak)
            self.total_samples += len(block)
            self.digest.update(block.tobytes())
            yield block


def file_facts(data: bytes) -> FileFacts:
    """What the bytes alone show."""
    return FileFacts(file_sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def analyse(
    audio: DecodedAudio, front_ends: Sequence[FrontEnd], *, facts: FileFacts, rate_hz: int, clock: StageClock
) -> Analysis:
    """Features and facts of a track that is being decoded.

    Raises DataError: what the decoder raises, silent, non_finite, corrupt for a file without samples.
    """
    heard = _Heard()
    begin = time.perf_counter()
    waited = clock.seconds.get("decode", 0.0)
    blocks = heard.listen(clock.waiting("decode", audio))
    features = extract(blocks, front_ends, total_samples=lambda: heard.total_samples)
    if heard.peak < SILENCE_PEAK:
        message = f"peak of {heard.peak:.2g} over {to_seconds(heard.total_samples, rate_hz=rate_hz):.2f} s"
        raise DataError(FailureKind.SILENT, Stage.DECODE, message)
    # The decoder's share of this pass is booked already.
    clock.add("features", begin + clock.seconds["decode"] - waited)
    decoded_s = to_seconds(heard.total_samples, rate_hz=rate_hz)
    return Analysis(
        facts=_with_audio(facts, audio.format, decoded_s, heard.digest.hexdigest()),
        features=features,
        total_samples=heard.total_samples,
    )


def _with_audio(facts: FileFacts, audio: AudioFormat, decoded_s: float, audio_sha256: str) -> FileFacts:
    return replace(
        facts,
        audio_sha256=audio_sha256,
        duration_s=audio.declared_s,
        decoded_s=decoded_s,
        partial_decode=audio.declared_s is not None and decoded_s < PARTIAL_BELOW * audio.declared_s,
        sample_rate_hz=audio.sample_rate_hz,
        channels=audio.channels,
        codec=audio.codec,
    )
