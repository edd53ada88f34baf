"""`hpss-chroma` as a user of librosa would compute it: decompose.hpss, onset_strength, tempogram."""

from __future__ import annotations

from itertools import pairwise

import librosa
import numpy as np
from librosa.decompose import hpss
from librosa.filters import get_window
from librosa.onset import onset_strength
from numpy.typing import NDArray

HOP = 512
SEGMENT_SAMPLES = 220_500


def reference(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float64]:
    """Samples [n] at 22,050 Hz -> [1 + n // 512, 28], as the front end gives them."""
    magnitude = np.abs(librosa.stft(samples))
    harmonic, _ = hpss(magnitude, mask=True, power=np.inf)
    # librosa gives a bin whose two medians are equal to neither part; the paper's rule: percussive elsewhere.
    parts = [(magnitude * mask) ** 2 for mask in (harmonic, ~harmonic)]
    total = sum(part.sum(axis=0, dtype=np.float64) for part in parts)
    rows = np.zeros((magnitude.shape[1], 28))
    for index, part in enumerate(parts):
        rows[:, 12 * index : 12 * index + 12] = pitch_classes(part, rate_hz=rate_hz, total=total)
    edges = segment_edges(len(samples), magnitude.shape[1])
    for first, end in pairwise(edges):
        for index, part in enumerate(parts):
            rows[first:end, 24 + index] = energy(part[:, first:end])
            rows[first:end, 26 + index] = tempo(part[:, first:end], rate_hz=rate_hz)
    return rows


def segment_edges(total_samples: int, frames: int) -> list[int]:
    """First frame of each 10 s, and the count of frames; a tail below 5 s stays with what is before it."""
    starts = [0]
    while total_samples - (len(starts) * SEGMENT_SAMPLES) >= SEGMENT_SAMPLES / 2:
        starts.append(int(np.ceil(len(starts) * SEGMENT_SAMPLES / HOP)))
    return [*starts, frames]


def pitch_classes(
    power: NDArray[np.float32], *, rate_hz: int, total: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Power [1025, frames] summed by the class of the nearest pitch, over its maximum: [frames, 12]."""
    classes = np.zeros((12, power.shape[1]))
    for hz, row in zip(librosa.fft_frequencies(sr=rate_hz, n_fft=2048)[1:], power[1:], strict=True):
        pitch = round(float(librosa.hz_to_midi(hz)))
        if 24 <= pitch < 120:
            classes[pitch % 12] += row
    classes[:, classes.max(axis=0) <= 1e-12 * total] = 0
    return librosa.util.normalize(classes, axis=0).T  # type: ignore[no-any-return]


def energy(power: NDArray[np.float32]) -> float:
    """Mean square of the samples that frames [1025, n] of power stand for."""
    two_sided = 2 * power.sum(dtype=np.float64) - power[[0, -1]].sum(dtype=np.float64)
    window = get_window("hann", 2048)
    return float(two_sided / power.shape[1] / (2048 * np.sum(window**2)))


def tempo(power: NDArray[np.float32], *, rate_hz: int) -> float:
    """Tempo in BPM of a part [1025, frames] of a segment, 0 where there is none."""
    mel = librosa.feature.melspectrogram(S=power, sr=rate_hz)
    strength = onset_strength(S=librosa.power_to_db(mel), sr=rate_hz)
    curve = strength - strength.mean()
    if len(curve) * HOP < 3 * rate_hz or not curve.any():
        return 0.0
    lags = np.arange(384)
    bare = librosa.autocorrelate(get_window("hann", 384))
    local = librosa.feature.tempogram(onset_envelope=curve).mean(axis=-1) / (bare / bare[0])
    overlap = len(curve) / np.maximum(len(curve) - lags, 1)
    whole = librosa.util.normalize(librosa.autocorrelate(curve, max_size=384)) * overlap[: len(curve)]
    bpm = np.concatenate([[np.inf], librosa.tempo_frequencies(384, sr=rate_hz)[1:]])
    peaks = [
        lag
        for lag in range(1, min(len(whole), 384) - 1)
        if 40 <= bpm[lag] <= 200 and whole[lag - 1] <= whole[lag] > whole[lag + 1] and whole[lag] > 0
    ]
    if not peaks:
        return 0.0
    peaks = [lag for lag in peaks if whole[lag] >= 0.5 * max(whole[peaks])]
    apart = {lag: abs(local[lag] - whole[lag]) for lag in peaks}
    lag = next(lag for lag in peaks if apart[lag] <= min(apart.values()) + 0.05)
    left, here, right = whole[lag - 1 : lag + 2]
    return float(60 * rate_hz / HOP / (lag + 0.5 * (left - right) / (left - 2 * here + right)))
