"""`mel96`: one column of 96 mel bands for each half second, as Yang (2021) gives them to its autoencoder.

The paper: 22.05 kHz, windows of 60 ms every 30 ms, 96 mel bands, 17 frames averaged to a column. It is silent
on the rest; our reading is librosa's usual one: periodic Hann window, zeros up to an FFT of 2,048, power,
Slaney's bands of equal area up to half the rate, level in dB against the track's maximum with a floor of
-80 dB. Seventeen frames every 30 ms are .51 s: on end they would drift from the annotations by a second in
less than a minute, so each column starts its own seventeen on the exact half second.

    column k   frames j = 0..16, samples [11025 k + round(661.5 j), 11025 k + round(661.5 j) + 1323)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from schemas.clock import step_count, to_samples
from transforms.features.front_end import FrontEnd, Layout
from transforms.features.mel.filter_bank import filter_bank
from transforms.features.mel.in_place import packed_spectra
from transforms.features.samples import check_samples, refusal
from transforms.features.windows import hann

RATE_HZ = 22_050
STEP_S = 0.5
STEP_SAMPLES = to_samples(STEP_S, rate_hz=RATE_HZ)
WINDOW_SAMPLES = to_samples(0.06, rate_hz=RATE_HZ)
FFT_SAMPLES = 2048
COLUMN_FRAMES = 17
BANDS = 96
FLOOR_DB = -80.0
LEVELS = ("db", "mean_db", "power")

_TINY = np.float32(1e-10)
_WINDOW = hann(WINDOW_SAMPLES).astype(np.float32)
# The hop is half a window, so that a frame's first sample lies on a whole sample or half way between two.
_OFFSETS = np.round(np.arange(COLUMN_FRAMES) * (WINDOW_SAMPLES / 2)).astype(np.int64)
_REACH_SAMPLES = int(_OFFSETS[-1]) + WINDOW_SAMPLES
# Columns whose spectra fit the cache at once.
_BLOCK_STEPS = 4


@dataclass(frozen=True, slots=True)
class Mel96Settings:
    """`level`: "db" of the frames' mean power, "mean_db" for the mean of the frames' dB, or mean "power"."""

    level: str = "db"

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise refusal(f"level is {self.level!r}; it must be one of {', '.join(LEVELS)}")


def mel96(
    samples: NDArray[np.float32], *, rate_hz: int, settings: Mel96Settings = Mel96Settings()
) -> NDArray[np.float32]:
    """Samples [n] float32 at 22.05 kHz -> [n // 11025, 96] float32: dB of [-80, 0], or power.

    The last frames of the last column are filled with silence where the track ends before them. Raises
    DataError(bad_input) for what is not samples, and DataError(too_short) below half a second.
    """
    check_samples(samples, rate_hz=rate_hz, wanted_hz=RATE_HZ, minimum_samples=STEP_SAMPLES)
    if settings.level == "mean_db":
        frames = relative_db(_mel_power(samples, averaged=False))
        mean: NDArray[np.float32] = frames.reshape(-1, COLUMN_FRAMES, BANDS).mean(axis=1)
        return mean
    power = _mel_power(samples, averaged=True)
    return power if settings.level == "power" else relative_db(power)


def relative_db(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power [rows, bands] -> dB against its maximum, not below -80; silence is its own maximum."""
    level = np.log10(np.maximum(power, _TINY))
    level -= level.max()
    level *= np.float32(10.0)
    return np.maximum(level, np.float32(FLOOR_DB), out=level)


def _mel_power(samples: NDArray[np.float32], *, averaged: bool) -> NDArray[np.float32]:
    """Power of the bands of each column [steps, 96], or of each of its frames [17 * steps, 96]."""
    steps = step_count(len(samples), step_samples=STEP_SAMPLES)
    bank = _packed_bank()
    rows = 1 if averaged else COLUMN_FRAMES
    mel = np.empty((steps * rows, BANDS), np.float32)
    room = np.empty((_BLOCK_STEPS * COLUMN_FRAMES, FFT_SAMPLES), np.float32)
    for first in range(0, steps, _BLOCK_STEPS):
        end = min(first + _BLOCK_STEPS, steps)
        power = _packed_power(_stretch(samples, first, end), room[: (end - first) * COLUMN_FRAMES])
        if averaged:
            # The bands are sums of bins: the mean over the frames may as well be taken before them.
            power = power.reshape(end - first, COLUMN_FRAMES, FFT_SAMPLES).mean(axis=1)
        np.matmul(power, bank, out=mel[first * rows : end * rows])
    return mel


def _stretch(samples: NDArray[np.float32], first: int, end: int) -> NDArray[np.float32]:
    """The samples that columns [first, end) reach, with silence after the end of the track."""
    wanted = (end - 1 - first) * STEP_SAMPLES + _REACH_SAMPLES
    stretch = samples[first * STEP_SAMPLES : first * STEP_SAMPLES + wanted]
    return stretch if len(stretch) == wanted else np.pad(stretch, (0, wanted - len(stretch)))


def _packed_power(stretch: NDArray[np.float32], room: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squares of the packed spectra of a stretch's frames, in the memory of `room`: [17 * columns, 2048]."""
    columns = np.arange(len(room) // COLUMN_FRAMES)[:, None] * STEP_SAMPLES
    frames = sliding_window_view(stretch, WINDOW_SAMPLES)[(columns + _OFFSETS).ravel()]
    np.multiply(frames, _WINDOW, out=room[:, :WINDOW_SAMPLES])
    room[:, WINDOW_SAMPLES:] = 0.0
    spectra = packed_spectra(room)
    return np.square(spectra, out=spectra)


@cache
def _packed_bank() -> NDArray[np.float32]:
    """Weights of the squares of packed spectra: [2048, 96], those of a bin for both of its parts."""
    bank = filter_bank(BANDS, fft_samples=FFT_SAMPLES, rate_hz=RATE_HZ, low_hz=0.0, high_hz=RATE_HZ / 2)
    packed: NDArray[np.float32] = np.repeat(bank, 2, axis=0)[1:-1]
    return packed


def _layout(_: Mel96Settings) -> Layout:
    return Layout(tuple(f"mel_{band}" for band in range(BANDS)), step_s=STEP_S)


FRONT_END = FrontEnd(
    name="mel96",
    version=1,
    about="96 mel bands, one column for each half second (Yang 2021), in dB against the track's maximum",
    rate_hz=RATE_HZ,
    presets={
        "default": Mel96Settings(),
        "mean_db": Mel96Settings(level="mean_db"),
        "power": Mel96Settings(level="power"),
    },
    layout=_layout,
    start=lambda settings: partial(mel96, settings=settings),
)
