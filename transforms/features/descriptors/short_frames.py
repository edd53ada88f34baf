"""Amplitude spectra of frames of 50 ms every 5 ms, block by block: what the psychoacoustic values start from.

Frame k covers the 2205 samples from round(k * 220.5) on, whole frames only. Coutinho et al. (2015) take
MIRtoolbox's frames, 50 ms with a hop of a tenth; window, padding and scale are choices of ours: Hamming
(a tone's side lobes, at -43 dB, are below the peaks' contrast; those of a low tone and of its mirror image
add up above it at times, and give less than a tenth of a semitone's roughness), zeros up to 4096 samples, and
a scale on which a sinusoid of amplitude a has a peak of height a.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from schemas.clock import to_samples
from transforms.features.windows import hamming

RATE_HZ = 44_100
FRAME_SAMPLES = to_samples(0.05, rate_hz=RATE_HZ)
FRAMES_PER_SECOND = 200
FFT_SAMPLES = 4096
BINS = FFT_SAMPLES // 2 + 1
BIN_HZ = RATE_HZ / FFT_SAMPLES

_WINDOW = hamming(FRAME_SAMPLES)
_SCALED_WINDOW = (_WINDOW * 2.0 / _WINDOW.sum()).astype(np.float32)
_BLOCK_FRAMES = 64  # a block's spectra stay in the cache


def frame_starts(total_samples: int) -> NDArray[np.int64]:
    """First sample of every whole frame of a track: [frames], growing."""
    most = max(0, (total_samples - FRAME_SAMPLES) * FRAMES_PER_SECOND // RATE_HZ + 2)
    starts = np.rint(np.arange(most) * (RATE_HZ / FRAMES_PER_SECOND)).astype(np.int64)
    whole: NDArray[np.int64] = starts[starts + FRAME_SAMPLES <= total_samples]
    return whole


def amplitude_blocks(samples: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Amplitudes of the bins of each frame, in order of time: samples [n] at 44.1 kHz -> [m, 2049] each."""
    starts = frame_starts(len(samples))
    if not len(starts):
        return
    rows = np.lib.stride_tricks.sliding_window_view(samples, FRAME_SAMPLES)
    padded = np.zeros((_BLOCK_FRAMES, FFT_SAMPLES), np.float32)
    for first in range(0, len(starts), _BLOCK_FRAMES):
        chosen = starts[first : first + _BLOCK_FRAMES]
        np.multiply(rows[chosen], _SCALED_WINDOW, out=padded[: len(chosen), :FRAME_SAMPLES])
        yield np.abs(rfft(padded[: len(chosen)], axis=1))
