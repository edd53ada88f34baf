"""`pyaudio-68`: the 34 short-term features of pyAudioAnalysis and their deltas (Havránek 2021).

Windows of 50 ms every 50 ms, without a window function. The track's mean is taken off and it is divided by
its peak, so it cannot be streamed: the same second gives other numbers in another track. Parity is with
`ShortTermFeatures.feature_extraction(samples, rate, .05 * rate, .05 * rate)` of pyAudioAnalysis 0.3.14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_samples, to_seconds
from transforms.features.descriptors.pyaudio_banks import banks
from transforms.features.descriptors.pyaudio_features import NAMES as SHORT_TERM
from transforms.features.descriptors.pyaudio_features import features
from transforms.features.descriptors.pyaudio_sums import Cut, room_for, sum_up
from transforms.features.front_end import Extractor, FrontEnd, Layout
from transforms.features.samples import check_samples, refusal

NAME, VERSION = "pyaudio-68", 1
RATE_HZ = 44_100
NAMES = (*SHORT_TERM, *(f"delta {name}" for name in SHORT_TERM))
# The library divides what it is given by 2^15, and adds this to the peak of the result.
_INT16, _PEAK_FLOOR = 32_768.0, 1e-10
_BLOCK_SAMPLES, _SUM_SAMPLES = 1 << 17, 1 << 16
_LONGEST_S = 10.0


@dataclass(frozen=True, slots=True)
class PyAudioSettings:
    """Window and step in seconds, and what the library would be given for a full-scale sample.

    The library expects 16-bit values and adds a floor to their peak, so that samples in [-1, 1] come out a
    little lower: by 3e-6 in amplitude for a track that reaches full scale, by 3e-4 for one that reaches
    -40 dB. `full_scale` 1 gives what it gives for such samples, 32768 what it gives for a 16-bit file.
    """

    window_s: float = 0.05
    step_s: float = 0.05
    full_scale: float = 1.0

    def __post_init__(self) -> None:
        for name, value in (("window_s", self.window_s), ("step_s", self.step_s)):
            if not 0.0 < value <= _LONGEST_S:
                raise refusal(f"{name} is {value}; it must lie above 0 and not above {_LONGEST_S:g}")
        if not 0.0 < self.full_scale < np.inf:
            raise refusal(f"full_scale is {self.full_scale}; it must lie above 0")


class Level(NamedTuple):
    """Mean of a track, and the factor that brings its largest deviation from the mean to one."""

    mean: np.float64
    gain: np.float64


def pyaudio_68(
    samples: NDArray[np.float32],
    *,
    rate_hz: int,
    settings: PyAudioSettings = PyAudioSettings(),
    level: Level | None = None,
) -> NDArray[np.float32]:
    """Samples [n] float32 -> [rows, 68] float32: a row for each window that lies in the track.

    The samples are those of a whole track, or a stretch of one whose `level` is given: its rows are then the
    track's, but for the deltas of the first two and the flux of the first, which look at the row before.

    Values are without unit: frequencies over half the rate, the roll-off over the bins. The deltas are
    differences from the row before, zero in the first. As in the library, row k begins at sample k * step:
    .05 s is 2205 samples at 44.1 kHz, but 1102 at 22.05 kHz, where row k begins k / 2 samples early.

    Raises DataError(bad_input, too_short): see `check_samples`; bad_input where the window has too few bins
    for the chroma, or the rate is too low for the mel filters.
    """
    window, step = (to_samples(value, rate_hz=rate_hz) for value in (settings.window_s, settings.step_s))
    check_samples(samples, rate_hz=rate_hz, minimum_samples=max(window, 1))
    if step < 1:
        raise refusal(f"step_s is {settings.step_s}, less than a sample at {rate_hz} Hz")
    mean, gain = level or _level(samples, settings.full_scale)
    found = _features(samples, Cut(banks(window, rate_hz), step, mean, gain))
    return np.hstack(
        [found, np.diff(found, axis=0, prepend=found[:1])], dtype=np.float32, casting="same_kind"
    )


def _features(samples: NDArray[np.float32], cut: Cut) -> NDArray[np.float64]:
    """The features without deltas: [rows, 34]."""
    window, step = cut.banks.window, cut.step
    rows = (len(samples) - window) // step + 1
    sums, share = room_for(rows, cut.banks), None
    for first in range(0, rows, per_block := max(1, _BLOCK_SAMPLES // max(window, step))):
        last = min(first + per_block, rows) - 1
        block = samples[first * step : last * step + window]
        share = sum_up(block, sums, rows=slice(first, last + 1), cut=cut, before=share)
    return features(sums, cut.banks)


def level_about(
    mean: np.float64, *, lowest: np.float32, highest: np.float32, full_scale: float = 1.0
) -> Level:
    """Level of samples of that mean between those extremes; for `full_scale`, see PyAudioSettings."""
    peak = max(highest - mean, mean - lowest)
    return Level(mean, 1.0 / (peak + _PEAK_FLOOR * _INT16 / full_scale))


def _level(samples: NDArray[np.float32], full_scale: float) -> Level:
    mean = _sum(samples) / len(samples)
    return level_about(mean, lowest=samples.min(), highest=samples.max(), full_scale=full_scale)


def _sum(samples: NDArray[np.float32]) -> np.float64:
    """Sum in double precision without a copy of the track in it.

    Halved as numpy halves its sums, so that it is the library's to the last bit: a sample that equals the
    mean has no sign.
    """
    if len(samples) <= _SUM_SAMPLES:
        return np.float64(samples.astype(np.float64).sum())
    half = len(samples) // 16 * 8
    return _sum(samples[:half]) + _sum(samples[half:])


def _layout(settings: PyAudioSettings) -> Layout:
    return Layout(NAMES, step_s=to_seconds(to_samples(settings.step_s, rate_hz=RATE_HZ), rate_hz=RATE_HZ))


def _start(settings: PyAudioSettings) -> Extractor:
    def extract(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float32]:
        # The function takes any rate, as the library does; the values of a catalogue are at one.
        check_samples(samples, rate_hz=rate_hz, wanted_hz=RATE_HZ)
        return pyaudio_68(samples, rate_hz=rate_hz, settings=settings)

    return extract


FRONT_END: FrontEnd[PyAudioSettings] = FrontEnd(
    name=NAME,
    version=VERSION,
    about="34 short-term features and their deltas, 50 ms windows (Havránek 2021, pyAudioAnalysis)",
    rate_hz=RATE_HZ,
    presets={
        "short-term": PyAudioSettings(),
        "short-term-int16": PyAudioSettings(full_scale=_INT16),
    },
    layout=_layout,
    start=_start,
)
