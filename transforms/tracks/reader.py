"""Bytes of a file to checked blocks of samples: read, decode, listen, in one pass.

open(uri) -> TrackReading: what the bytes show
  .blocks() -> float32 blocks, each finite; at the end what the samples show
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_seconds
from schemas.errors import DataError, FailureKind, Stage
from schemas.track import FileFacts
from transforms.decoding.sandbox import DecodedAudio, DecodeLimits, SandboxedDecoder
from transforms.features.samples import LOUDEST
from transforms.tracks.stage_clock import StageClock
from transforms.tracks.track_file import TrackFile, open_track_file

# Below this peak, -80 dB of full scale, there is nothing to hear and nothing to tag.
SILENCE_PEAK = 1e-4
PARTIAL_BELOW = 0.95
# Six hours at 48 kHz, 4 GiB: what a front end that takes a track as a whole may make a worker hold.
MOST_SAMPLES_HELD = 1 << 30
# Ten seconds at 16 kHz fit into a pipe: the decoder is at the next ones while these are looked at.
_BLOCK_SAMPLES = 160_000


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How tracks are read; none of it depends on where."""

    max_file_bytes: int = 1 << 30
    limits: DecodeLimits = field(default_factory=DecodeLimits)


class TrackReader:
    """Opens one track after another, and closes it when the next is opened; `close` ends its decoder, too."""

    def __init__(self, settings: ReadSettings) -> None:
        self._max_file_bytes = settings.max_file_bytes
        self._decoder = SandboxedDecoder(settings.limits, block_samples=_BLOCK_SAMPLES)
        self._file: TrackFile | None = None

    def close(self) -> None:
        """End the decoder process."""
        self._close_file()
        self._decoder.close()

    def open(self, uri: str, clock: StageClock) -> TrackReading:
        """Open a file and read its bytes once; DataError: what `read_bytes` raises."""
        with clock.during("read"):
            self._close_file()
            self._file = open_track_file(uri, max_bytes=self._max_file_bytes)
            return TrackReading(self._file, self._decoder, clock)

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class TrackReading:
    """One track under way: `facts` is what is known of it so far.

    `rate_hz` and `total_samples` are of the samples that were asked for last.
    """

    def __init__(self, file: TrackFile, decoder: SandboxedDecoder, clock: StageClock) -> None:
        self.facts = FileFacts(file_sha256=file.sha256, bytes=file.bytes)
        self.rate_hz = 0
        self.total_samples = 0
        self._file = file
        self._decoder = decoder
        self._clock = clock

    def blocks(self, rate_hz: int | None) -> Iterator[NDArray[np.float32]]:
        """Blocks of float32 samples at a rate (None: the file's own).

        When the first pass over them has ended, `facts` is complete. Raises DataError: what the decoder
        raises, non_finite, silent, not_readable for a file that changed meanwhile.
        """
        with self._clock.during("decode"):
            audio = self._decoder.decode(self._file.file, rate_hz=rate_hz)
        self.rate_hz, self.total_samples = audio.rate_hz, 0
        first = self.facts.audio_sha256 is None
        digest, peak = hashlib.sha256(), 0.0
        for block in self._clock.waiting("decode", audio):
            peak = max(peak, self._peak(block))
            self.total_samples += len(block)
            if first:
                digest.update(block.tobytes())
            yield block
        self._file.check_unchanged()
        if peak < SILENCE_PEAK:
            seconds = to_seconds(self.total_samples, rate_hz=self.rate_hz)
            message = f"peak of {peak:.2g} over {seconds:.2f} s"
            raise DataError(FailureKind.SILENT, Stage.DECODE, message)
        if first:
            self._complete(audio, digest.hexdigest())

    def samples(self, rate_hz: int | None) -> NDArray[np.float32]:
        """All samples at a rate (None: the file's own) in one array: what `blocks` gives, and raises.

        DataError(too_long) besides, where they are too many to be held: at a file's own rate, which may be
        near a million a second, seconds do not bound them.
        """
        held = []
        for block in self.blocks(rate_hz):
            held.append(block)
            if self.total_samples > MOST_SAMPLES_HELD:
                message = f"more than {MOST_SAMPLES_HELD:,} samples at {self.rate_hz} Hz"
                raise DataError(FailureKind.TOO_LONG, Stage.DECODE, message)
        return np.concatenate(held)

    def _peak(self, block: NDArray[np.float32]) -> float:
        peak = max(float(block.max()), -float(block.min())) if len(block) else 0.0
        if not peak <= LOUDEST:
            what = f"a sample of {peak:g}" if np.isfinite(peak) else "a sample is not finite"
            message = f"{what} within {len(block)} after {self.total_samples}"
            raise DataError(FailureKind.NON_FINITE, Stage.DECODE, message)
        return peak

    def _complete(self, audio: DecodedAudio, audio_sha256: str) -> None:
        decoded_s, declared_s = to_seconds(self.total_samples, rate_hz=self.rate_hz), audio.format.declared_s
        self.facts = replace(
            self.facts,
            audio_sha256=audio_sha256,
            duration_s=declared_s,
            decoded_s=decoded_s,
            partial_decode=declared_s is not None and decoded_s < PARTIAL_BELOW * declared_s,
            sample_rate_hz=audio.format.sample_rate_hz,
            channels=audio.format.channels,
            codec=audio.format.codec,
        )
