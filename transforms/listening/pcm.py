"""Raw PCM to samples: what its bytes are, and mono blocks of them however they arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage

# Type of a value, and what full scale is in it.
ENCODINGS: Mapping[str, tuple[str, float]] = {"s16le": ("<i2", 32_768.0), "f32le": ("<f4", 1.0)}
_LOWEST_HZ, _HIGHEST_HZ, _MOST_CHANNELS = 2_000, 1_000_000, 256


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """What raw bytes are: rate in Hz, encoding (s16le or f32le), interleaved channels.

    Raises DataError(bad_input) for what cannot be.
    """

    rate_hz: int = 44_100
    encoding: str = "s16le"
    channels: int = 1

    def __post_init__(self) -> None:
        if self.encoding not in ENCODINGS:
            raise _refusal(f"format {self.encoding!r} is not known; there are {', '.join(ENCODINGS)}")
        if not _LOWEST_HZ <= self.rate_hz < _HIGHEST_HZ:
            raise _refusal(f"rate is {self.rate_hz} Hz; it must be from {_LOWEST_HZ} to below {_HIGHEST_HZ}")
        if not 1 <= self.channels <= _MOST_CHANNELS:
            raise _refusal(f"channels is {self.channels}; it must be from 1 to {_MOST_CHANNELS}")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return np.dtype(ENCODINGS[self.encoding][0]).itemsize * self.channels


class PcmReader:
    """Bytes cut anywhere -> mono samples; channels are averaged."""

    def __init__(self, pcm: PcmFormat) -> None:
        self._pcm = pcm
        self._rest = b""
        self._bytes = 0

    def push(self, data: bytes) -> NDArray[np.float32]:
        """The samples that are whole now: [n] float32, full scale 1."""
        self._bytes += len(data)
        data = self._rest + data
        whole = len(data) - len(data) % self._pcm.frame_bytes
        self._rest = data[whole:]
        kind, full_scale = ENCODINGS[self._pcm.encoding]
        values = np.frombuffer(data[:whole], kind).reshape(-1, self._pcm.channels)
        mono: NDArray[np.float32] = (values.mean(axis=1, dtype=np.float64) / full_scale).astype(np.float32)
        return mono

    def finish(self) -> None:
        """Raises DataError(bad_input) where there were no bytes, or the last sample is not whole."""
        if not self._bytes:
            raise DataError(FailureKind.EMPTY_FILE, Stage.INPUT, "the input is empty")
        if self._rest:
            raise _refusal(
                f"the input of {self._bytes} bytes ends within a sample: {len(self._rest)} of "
                f"{self._pcm.frame_bytes} bytes ({self._pcm.encoding}, channels: {self._pcm.channels})"
            )


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
