"""Log-mel patches of AudioSet's models: 96 frames of 64 bands, which `vggish` and `yamnet` share.

Frames of 25 ms every 10 ms, periodic Hann window, no padding -> magnitude -> 64 HTK mel bands with unit
peaks, 125-7500 Hz -> ln(mel + offset) (Hershey et al. 2017, "CNN architectures for large-scale audio
classification", section 3, and the public code of the models).

    frame j   samples [160 j, 160 j + 400)
    patch k   frames  [hop k, hop k + 96), so 15,600 samples from sample 160 hop k on
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import get_window

from schemas.clock import to_seconds
from transforms.features.front_end import Layout
from transforms.features.mel.filter_bank import htk_filter_bank
from transforms.features.mel.in_place import packed_spectra
from transforms.features.samples import check_samples, refusal

RATE_HZ = 16_000
WINDOW_SAMPLES, HOP_SAMPLES, FFT_SAMPLES = 400, 160, 512
BANDS, LOW_HZ, HIGH_HZ = 64, 125.0, 7500.0
PATCH_FRAMES = 96
PATCH_SAMPLES = (PATCH_FRAMES - 1) * HOP_SAMPLES + WINDOW_SAMPLES

_WINDOW = get_window("hann", WINDOW_SAMPLES, fftbins=True)
# Frames whose spectra fit the cache at once.
_BLOCK_FRAMES = PATCH_FRAMES
_GROUP_BANDS = 16


@dataclass(frozen=True, slots=True)
class PatchSettings:
    """How a track is cut into patches: `hop_frames` of 10 ms from patch to patch, `offset` inside the
    logarithm, and whether silence fills the last patch (`pad_end`) or what is over is left out."""

    hop_frames: int
    offset: float
    pad_end: bool

    def __post_init__(self) -> None:
        if self.hop_frames < 1:
            raise refusal(f"hop_frames is {self.hop_frames}; it must be at least 1")
        # The logarithm of silence is that of the offset, which single precision must hold.
        if not 1e-30 <= self.offset <= 1e30:
            raise refusal(f"offset is {self.offset}; it must lie in [1e-30, 1e30]")

    @property
    def hop_samples(self) -> int:
        """From the first sample of a patch to that of the next."""
        return self.hop_frames * HOP_SAMPLES


def log_mel_patches(
    samples: NDArray[np.float32], *, rate_hz: int, settings: PatchSettings
) -> NDArray[np.float32]:
    """Samples [n] float32 at 16 kHz -> [patches, 96, 64] float32, in natural logarithms.

    Raises DataError(bad_input) for what is not samples, and DataError(too_short) below one patch
    (15,600 samples) unless `pad_end` fills it.
    """
    minimum = 1 if settings.pad_end else PATCH_SAMPLES
    check_samples(samples, rate_hz=rate_hz, wanted_hz=RATE_HZ, minimum_samples=minimum)
    count = patch_count(len(samples), settings)
    wanted = (count - 1) * settings.hop_samples + PATCH_SAMPLES
    if wanted > len(samples):
        samples = np.pad(samples, (0, wanted - len(samples)))
    levels = log_mel(samples[:wanted], offset=settings.offset)
    # Rows of neighbours overlap in memory until they are copied; without an overlap there is no copy.
    windows = sliding_window_view(levels, PATCH_FRAMES, axis=0, writeable=True)[:: settings.hop_frames]
    return np.ascontiguousarray(windows.transpose(0, 2, 1))


def patch_count(total_samples: int, settings: PatchSettings) -> int:
    """Patches of a track: the whole ones, and with `pad_end` the one that the end of the track cuts."""
    over = max(0, total_samples - PATCH_SAMPLES)
    hops = -(-over // settings.hop_samples) if settings.pad_end else over // settings.hop_samples
    return hops + 1


def log_mel(samples: NDArray[np.float32], *, offset: float) -> NDArray[np.float32]:
    """Samples [n] float32 at 16 kHz, n >= 400 -> ln(mel + offset) [(n - 400) // 160 + 1, 64] float32."""
    groups = _band_groups()
    room = _Room()
    mel = np.empty(((len(samples) - WINDOW_SAMPLES) // HOP_SAMPLES + 1, BANDS), np.float32)
    for start in range(0, len(mel), _BLOCK_FRAMES):
        rows = mel[start : start + _BLOCK_FRAMES]
        magnitudes = room.magnitudes(samples[start * HOP_SAMPLES :], len(rows))
        for bins, bands, weights in groups:
            np.matmul(magnitudes[:, bins], weights, out=rows[:, bands])
    mel += np.float32(offset)
    return np.log(mel, out=mel)


class _Room:
    """Memory for the frames of one block, taken once and filled again by each.

    It is in double precision up to the spectra. A transform in single precision leaves so much of a loud
    bass in the quiet bands that their logarithms are off by a thousandth.
    """

    def __init__(self) -> None:
        self._samples = np.zeros((_BLOCK_FRAMES - 1) * HOP_SAMPLES + WINDOW_SAMPLES)
        self._frames = sliding_window_view(self._samples, WINDOW_SAMPLES)[::HOP_SAMPLES]
        self._rows = np.empty((_BLOCK_FRAMES, FFT_SAMPLES))
        self._spectra = np.empty((_BLOCK_FRAMES, FFT_SAMPLES // 2 - 1), np.complex64)
        self._magnitudes = np.empty(self._spectra.shape, np.float32)

    def magnitudes(self, samples: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        """Magnitudes of bins 1 to 255 of the first `count` frames of the samples: [count, 255]."""
        reach = (count - 1) * HOP_SAMPLES + WINDOW_SAMPLES
        self._samples[:reach] = samples[:reach]
        rows, spectra = self._rows[:count], self._spectra[:count]
        np.multiply(self._frames[:count], _WINDOW, out=rows[:, :WINDOW_SAMPLES])
        rows[:, WINDOW_SAMPLES:] = 0.0
        spectra[:] = packed_spectra(rows)[:, 1:-1].view(np.complex128)
        return np.abs(spectra, out=self._magnitudes[:count])


@cache
def _band_groups() -> list[tuple[slice, slice, NDArray[np.float32]]]:
    """The filter bank by neighbouring bands: their bins among the inner ones, the bands, the weights there.

    Most of the bank is zero: four products over a few bins take half the time that one over all takes.
    """
    bank = htk_filter_bank(BANDS, fft_samples=FFT_SAMPLES, rate_hz=RATE_HZ, low_hz=LOW_HZ, high_hz=HIGH_HZ)
    groups = []
    for first in range(0, BANDS, _GROUP_BANDS):
        bands = slice(first, first + _GROUP_BANDS)
        weighed = np.flatnonzero(bank[1:-1, bands].any(axis=1))
        bins = slice(int(weighed[0]), int(weighed[-1]) + 1)
        groups.append((bins, bands, np.ascontiguousarray(bank[1:-1][bins, bands])))
    return groups


def patch_layout(settings: PatchSettings) -> Layout:
    """Rows of [96, 64], one for each hop."""
    names = tuple(f"frame_{frame}_mel_{band}" for frame in range(PATCH_FRAMES) for band in range(BANDS))
    step_s = to_seconds(settings.hop_samples, rate_hz=RATE_HZ)
    return Layout(names, step_s=step_s, shape=(PATCH_FRAMES, BANDS))
