"""The four psychoacoustic values as research code computes them: frame by frame, double precision."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

RATE_HZ = 44_100


def dissonance_and_roughness(hz: NDArray[np.float64], amplitude: NDArray[np.float64]) -> tuple[float, float]:
    """The sums over all pairs of the peaks of one frame, from low to high."""
    low, high = np.triu_indices(len(hz), 1)
    v1, v2 = amplitude[low], amplitude[high]
    scaled = 0.24 / (0.0207 * hz[low] + 18.96) * (hz[high] - hz[low])
    b = np.exp(-3.51 * scaled) - np.exp(-5.75 * scaled)
    depth = 2 * np.minimum(v1, v2) / (v1 + v2)
    return float((v1 * v2 * b).sum()), float(((v1 * v2) ** 0.1 * 0.5 * depth**3.11 * b).sum())


def frame_peaks(spectrum: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hz and amplitudes of the peaks of one amplitude spectrum of 2049 bins."""
    places, _ = find_peaks(spectrum, prominence=0.01 * spectrum.max())
    left, top, right = (np.log(np.maximum(spectrum[places + step], 1e-30)) for step in (-1, 0, 1))
    offset = 0.5 * (left - right) / (left - 2 * top + right)
    return (places + offset) * RATE_HZ / 4096, np.exp(top - 0.25 * (left - right) * offset)


def spectra(samples: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Start in samples of each frame, and its amplitudes: [frames] and [frames, 2049]."""
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(2205) / 2205)
    starts = [round(k * 220.5) for k in range(len(samples) // 220) if round(k * 220.5) + 2205 <= len(samples)]
    frames = [2 * np.abs(np.fft.rfft(samples[start : start + 2205] * window, 4096)) for start in starts]
    return np.array(starts), np.array(frames) / window.sum()


def onset_curve(amplitudes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of the band envelopes and of their rises over 50 ms, every 5 ms from the start: [steps] each."""
    erb = 21.4 * np.log10(1 + 0.00437 * np.arange(2049) * RATE_HZ / 4096)
    lowest, highest = (21.4 * np.log10(1 + 0.00437 * hz) for hz in (50, RATE_HZ / 2))
    edges = np.linspace(lowest, highest, 11)
    bands = [(erb >= low) & (erb < high) for low, high in itertools.pairwise(edges)]
    envelope = np.stack([np.sqrt((amplitudes[:, band] ** 2).sum(axis=1)) for band in bands])
    rise = np.zeros(len(amplitudes) + 5)
    rise[15:] = np.maximum(envelope[:, 10:] - envelope[:, :-10], 0).sum(axis=0)
    return np.concatenate([np.zeros(5), envelope.sum(axis=0)]), rise


def tempo(level: NDArray[np.float64], rise: NDArray[np.float64], middle: int) -> float:
    """Beats per minute of the 3 s around a step."""
    size = min(600, len(rise))
    start = min(max((middle + 30) // 60 * 60 - size // 2, 0), len(rise) - size)
    frame = rise[start : start + size]
    if frame.max() < 0.1 * level[start : start + size].max() or frame.max() == 0:
        return 0.0
    frame = frame - frame.mean()
    lags = np.arange(1, min(300, size // 2) + 2)
    weights = np.maximum(1 - 0.25 * np.log2(lags / 200 / 0.5) ** 2, 0)
    curve = np.correlate(frame, frame, "full")[size:][: len(lags)] / (size - lags) * weights
    inner = range(59, len(lags) - 1)
    peaks = [i for i in inner if curve[i] > 0 and curve[i - 1] < curve[i] >= curve[i + 1]]
    if not peaks:
        return 0.0
    best = max(peaks, key=lambda i: curve[i])
    left, top, right = curve[best - 1 : best + 2]
    lag = lags[best] + 0.5 * (left - right) / (left - 2 * top + right)
    return float(np.clip(12_000 / lag, 40, 200))


def density(level: NDArray[np.float64], rise: NDArray[np.float64], second: int) -> float:
    """Events per second in the 10 s around a whole second."""
    begin, end = max(0, second * 200 - 1000), min(len(rise), second * 200 + 1000)
    places, found = find_peaks(np.append(rise, 0), distance=15, prominence=0)
    inside = (places >= begin) & (places < end) & (found["prominences"] >= 0.1 * level[begin:end].max())
    return float(inside.sum() / ((end - begin) / 200))


def reference(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float64]:
    """Dissonance, roughness, tempo and event density of each second, every half: [rows, 4]."""
    assert rate_hz == RATE_HZ
    starts, amplitudes = spectra(samples)
    pairs = np.array([dissonance_and_roughness(*frame_peaks(spectrum)) for spectrum in amplitudes])
    level, rise = onset_curve(amplitudes)
    rows = []
    for row in range((len(samples) - RATE_HZ) // 22_050 + 1):
        inside = (starts >= row * 22_050) & (starts + 2205 <= row * 22_050 + RATE_HZ)
        speed, events = tempo(level, rise, (row + 1) * 100), density(level, rise, (row + 2) // 2)
        rows.append([*pairs[inside].mean(axis=0), speed, events])
    return np.array(rows)
