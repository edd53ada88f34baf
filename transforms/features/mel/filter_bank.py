"""Mel filter banks: Slaney's scale with triangles of equal area, HTK's scale with unit peaks."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

# Slaney's Auditory Toolbox (1998): linear to 1 kHz at 200/3 Hz a mel, then 27 steps for a factor 6.4.
_LINEAR_HZ = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP = np.log(6.4) / 27.0

# The HTK Book (Young et al.), section 5.4: 2595 log10(1 + f / 700), as AudioSet's models round it for ln.
_HTK_BREAK_HZ = 700.0
_HTK_SCALE = 1127.0


def hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney mels of frequencies in Hz, any shape."""
    above = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ, above)


def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequencies in Hz of Slaney mels, any shape."""
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ, above)


@cache
def filter_bank(
    bands: int, *, fft_samples: int, rate_hz: int, low_hz: float, high_hz: float
) -> NDArray[np.float32]:
    """Triangles of equal area on the power spectrum: [fft_samples // 2 + 1, bands] float32."""
    bins = np.linspace(0.0, rate_hz / 2, fft_samples // 2 + 1)[:, None]
    limits = hz_to_mel(np.array([low_hz, high_hz], np.float64))
    edges = mel_to_hz(np.linspace(limits[0], limits[1], bands + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    weights = np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (high - low)
    bank: NDArray[np.float32] = weights.astype(np.float32)
    bank.setflags(write=False)
    return bank


def hz_to_htk_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """HTK mels of frequencies in Hz, any shape."""
    mel: NDArray[np.float64] = _HTK_SCALE * np.log1p(hz / _HTK_BREAK_HZ)
    return mel


@cache
def htk_filter_bank(
    bands: int, *, fft_samples: int, rate_hz: int, low_hz: float, high_hz: float
) -> NDArray[np.float32]:
    """Triangles of height one, straight on the HTK mel scale, for magnitudes or power:
    [fft_samples // 2 + 1, bands] float32, the bin of 0 Hz left out of every band."""
    bins = hz_to_htk_mel(np.linspace(0.0, rate_hz / 2, fft_samples // 2 + 1))[:, None]
    limits = hz_to_htk_mel(np.array([low_hz, high_hz], np.float64))
    edges = np.linspace(limits[0], limits[1], bands + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    bank: NDArray[np.float32] = np.maximum(0.0, weights).astype(np.float32)
    bank[0] = 0.0
    bank.setflags(write=False)
    return bank
