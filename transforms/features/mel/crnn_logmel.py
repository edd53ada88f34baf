"""`crnn-logmel`: the log-mel of the CRNN of Amiriparian et al. (2019), normalised per track.

Power -> 64 Slaney mel bands, 125-7500 Hz -> square root -> 10 log10 against the track's maximum,
floor -80 dB -> zero mean and unit variance of each band over the track. The published code takes
mean and variance over the batch too, so that a track's tags change with its neighbours; ours does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_seconds
from transforms.features.front_end import FrontEnd, Layout
from transforms.features.mel import spectrum
from transforms.features.mel.filter_bank import filter_bank

NAME, VERSION = "crnn-logmel", 1
BANDS = 64
FLOOR_DB = -80.0
_TINY = 1e-10


def crnn_logmel(samples: NDArray[np.float32], *, rate_hz: int = spectrum.RATE_HZ) -> NDArray[np.float32]:
    """Samples [n] float32 at 16 kHz -> normalised log-mel [ceil(n / 256), 64] float32."""
    return normalise(relative_db(mel_level(spectrum.power_spectrum(samples, rate_hz=rate_hz))))


def mel_level(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power [frames, 257] -> level of each band in dB, 10 log10 of the amplitude: [frames, 64]."""
    bank = filter_bank(
        BANDS, fft_samples=spectrum.FFT_SAMPLES, rate_hz=spectrum.RATE_HZ, low_hz=125.0, high_hz=7500.0
    )
    amplitude = np.sqrt(power @ bank)
    level: NDArray[np.float32] = np.float32(10.0) * np.log10(np.maximum(amplitude, np.float32(_TINY)))
    return level


def relative_db(level: NDArray[np.float32]) -> NDArray[np.float32]:
    """Level [frames, bands] in dB -> the same against its maximum, not below -80 dB."""
    db: NDArray[np.float32] = np.maximum(level - level.max(), np.float32(FLOOR_DB))
    return db


def normalise(db: NDArray[np.float32]) -> NDArray[np.float32]:
    """Level [frames, bands] -> zero mean and unit variance of each band; a constant band is zero."""
    mean = db.mean(axis=0, dtype=np.float64)
    deviation = db.std(axis=0, dtype=np.float64)
    scaled: NDArray[np.float64] = (db - mean) / np.where(deviation > 1e-5, deviation, 1.0)
    return scaled.astype(np.float32)


@dataclass(slots=True)
class CrnnLogMelStream:
    """Collects the levels of a track block by block; `finish` gives what `crnn_logmel` gives."""

    _levels: list[NDArray[np.float32]] = field(default_factory=list)

    def push(self, level: NDArray[np.float32]) -> None:
        """Take the next frames of `mel_level`: [m, 64]."""
        self._levels.append(level)

    def finish(self, total_samples: int) -> NDArray[np.float32]:
        """Normalised log-mel [frames, 64] of the whole track."""
        levels = np.concatenate(self._levels)[: spectrum.frame_count(total_samples)]
        return normalise(relative_db(levels))


def _layout(_: None) -> Layout:
    step_s = to_seconds(spectrum.HOP_SAMPLES, rate_hz=spectrum.RATE_HZ)
    return Layout(tuple(f"mel_{band}" for band in range(BANDS)), step_s=step_s)


FRONT_END: FrontEnd[None] = FrontEnd(
    name=NAME,
    version=VERSION,
    about="log-mel of 64 bands, normalised per track (Amiriparian 2019, CRNN)",
    rate_hz=spectrum.RATE_HZ,
    presets={"default": None},
    layout=_layout,
    start=lambda _: crnn_logmel,
)
