"""The columns of `mel96` by librosa: frames laid end to end, in one call of its mel spectrogram."""

from __future__ import annotations

import librosa
import numpy as np
from numpy.typing import NDArray

RATE_HZ = 22_050
FFT, WINDOW, FRAMES = 2048, 1323, 17


def frame_power(samples: NDArray[np.floating], *, rate_hz: int) -> NDArray[np.floating]:
    """Mel power of each frame of each column: [columns, 17, 96], as precise as the samples."""
    assert rate_hz == RATE_HZ
    columns = len(samples) // 11_025
    starts = [11_025 * column + round(661.5 * frame) for column in range(columns) for frame in range(FRAMES)]
    # librosa takes only whole hops, and puts a window shorter than the FFT in the middle of its samples.
    lead = (FFT - WINDOW) // 2
    padded = np.pad(samples, (lead, FFT))
    laid = padded[np.array(starts)[:, None] + np.arange(FFT)].reshape(-1)
    mel: NDArray[np.floating] = librosa.feature.melspectrogram(
        y=laid, sr=RATE_HZ, n_fft=FFT, hop_length=FFT, win_length=WINDOW, center=False, n_mels=96
    )
    return mel.T.reshape(columns, FRAMES, 96)


def reference(samples: NDArray[np.floating], *, rate_hz: int) -> NDArray[np.floating]:
    """Level of the mean power of each column in dB: [columns, 96]."""
    power = frame_power(samples, rate_hz=rate_hz).mean(axis=1)
    level: NDArray[np.floating] = librosa.power_to_db(power, ref=np.max)
    return level
