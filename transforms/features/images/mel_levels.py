"""Mel levels of a chunk in dB against its maximum, as the Deep Spectrum toolkit takes them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from transforms.features.mel.filter_bank import filter_bank
from transforms.features.samples import refusal
from transforms.features.windows import hann

_FRAME_S = 0.025
_LEAST_POWER = np.float32(1e-10)
_BANDS_A_BLOCK = 16
_FRAMES_A_BLOCK = 64  # their spectra fit into a core's cache


def fft_samples(rate_hz: int) -> int:
    """Length of a frame: the power of two at or above 25 ms; frames follow every half of it.

    Raises DataError(bad_input) for a rate so low that a frame has no half.
    """
    length = int(rate_hz * _FRAME_S)
    if length < 2:
        raise refusal(f"rate_hz is {rate_hz}; spectrogram images need at least 80")
    return 1 << (length - 1).bit_length()


def mel_levels(chunk: NDArray[np.float32], *, rate_hz: int, bands: int) -> NDArray[np.float32]:
    """Level of each frame and band in dB against the chunk's maximum: [frames, bands] float32.

    Hann window, frames inside the chunk only, power, Slaney bands from zero to half the rate, power not below
    1e-10, no floor against the maximum (the toolkit: librosa with center=False and top_db=None). The chunk is
    [n] float32 of at least `fft_samples(rate_hz)`.
    """
    mel = np.maximum(_mel_power(chunk, rate_hz=rate_hz, bands=bands), _LEAST_POWER)
    level: NDArray[np.float32] = np.float32(10.0) * np.log10(mel)
    level -= level.max()
    return level


def _mel_power(chunk: NDArray[np.float32], *, rate_hz: int, bands: int) -> NDArray[np.float32]:
    length = fft_samples(rate_hz)
    frames = np.lib.stride_tricks.sliding_window_view(chunk, length)[:: length // 2]
    mel = np.empty((len(frames), bands), np.float32)
    for start in range(0, len(frames), _FRAMES_A_BLOCK):
        rows = slice(start, start + _FRAMES_A_BLOCK)
        spectrum = rfft(frames[rows] * _window(length), axis=1, overwrite_x=True)
        power = spectrum.real**2
        power += spectrum.imag**2
        for first, low, weights in _band_blocks(bands, rate_hz):
            here = mel[rows, first : first + weights.shape[1]]
            np.matmul(power[:, low : low + len(weights)], weights, out=here)
    return mel


@cache
def _window(length: int) -> NDArray[np.float32]:
    window: NDArray[np.float32] = hann(length).astype(np.float32)
    return window


@cache
def _band_blocks(bands: int, rate_hz: int) -> list[tuple[int, int, NDArray[np.float32]]]:
    """(first band, first bin, weights [bins, bands]) of neighbouring bands: most of the bank is zero."""
    bank = filter_bank(
        bands, fft_samples=fft_samples(rate_hz), rate_hz=rate_hz, low_hz=0.0, high_hz=rate_hz / 2
    )
    blocks = []
    for first in range(0, bands, _BANDS_A_BLOCK):
        weights = bank[:, first : first + _BANDS_A_BLOCK]
        used = np.flatnonzero(weights.any(axis=1))
        low, end = (used[0], used[-1] + 1) if used.size else (0, 1)
        blocks.append((first, int(low), np.ascontiguousarray(weights[low:end])))
    return blocks
