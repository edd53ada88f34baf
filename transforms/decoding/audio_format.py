"""What a file says of its sound, in the same words whichever library reads it, and what is refused of it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage

RATES_HZ = range(2_000, 1_000_000)
MAX_CHANNELS = 256

_CODEC_NAMES = {
    "mpeg_layer_iii": "mp3",
    "mpeg_layer_ii": "mp2",
    "mpeg_layer_i": "mp1",
    "pcm_f32le": "float",
    "pcm_f32be": "float",
    "pcm_f64le": "double",
    "pcm_f64be": "double",
    "pcm_mulaw": "ulaw",
    "pcm_alaw": "alaw",
    "libopus": "opus",
    "libvorbis": "vorbis",
}

# Mono float32 [n] with the rate in Hz that they are at.
Blocks = Iterator[tuple[int, NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What a file says of itself; `declared_s` is None where it does not say its duration."""

    sample_rate_hz: int
    channels: int
    codec: str
    declared_s: float | None


def audio_format(*, sample_rate_hz: int, channels: int, codec: str, declared_s: float | None) -> AudioFormat:
    """A format with the one name of its codec, and without a duration that no file has.

    DataError(corrupt) for a rate or a number of channels that no file has.
    """
    if sample_rate_hz not in RATES_HZ:
        raise refusal(FailureKind.CORRUPT, f"sample rate of {sample_rate_hz} Hz")
    if not 1 <= channels <= MAX_CHANNELS:
        raise refusal(FailureKind.CORRUPT, f"{channels} channels")
    told = declared_s is not None and 0 < declared_s < math.inf
    return AudioFormat(sample_rate_hz, channels, _codec_name(codec), declared_s if told else None)


def average(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over channels: [n, channels] -> [n]; a product is several times faster than `mean` here."""
    if block.shape[1] == 1:
        return block[:, 0]
    mono: NDArray[np.float32] = block @ np.full(block.shape[1], 1.0 / block.shape[1], np.float32)
    return mono


def refusal(kind: FailureKind, message: str) -> DataError:
    """The error of a file that cannot be decoded."""
    return DataError(kind, Stage.DECODE, message)


def _codec_name(name: str) -> str:
    """One name for a codec, whichever library decodes it: libsndfile's where the two differ."""
    name = re.sub(r"_?(float|fixed)$", "", name) or name  # FFmpeg's decoders: mp3float
    name = re.sub(r"^pcm_s(\d+)[lb]e$", r"pcm_\1", name)
    return _CODEC_NAMES.get(name, name)
