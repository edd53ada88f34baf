"""Spectrogram pictures as the Deep Spectrum toolkit makes them: librosa's levels in matplotlib's figure,
resized by Pillow."""

from __future__ import annotations

import io

import librosa
import matplotlib.pyplot as plt
import numpy as np
from librosa.display import specshow
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image

plt.switch_backend("agg")

FILTERS = {"bicubic": Image.Resampling.BICUBIC, "nearest": Image.Resampling.NEAREST}


def reference(
    samples: NDArray[np.float32], *, rate_hz: int, window_s: float = 1.0, colour_map: str = "viridis"
) -> NDArray[np.uint8]:
    """Samples [n] -> pictures [chunks, 224, 224, 3], chunks without a gap: the path of the toolkit."""
    window = round(window_s * rate_hz)
    chunks = [samples[start : start + window] for start in range(0, len(samples) - window + 1, window)]
    return np.stack([picture(chunk, rate_hz=rate_hz, colour_map=colour_map) for chunk in chunks])


def picture(
    chunk: NDArray[np.float32], *, rate_hz: int, colour_map: str, resize: str = "bicubic"
) -> NDArray[np.uint8]:
    """The drawn figure of a chunk, resized: [224, 224, 3]."""
    return resized(drawn(levels(chunk, rate_hz=rate_hz), rate_hz=rate_hz, colour_map=colour_map), resize)


def resized(figure: NDArray[np.uint8], resize: str) -> NDArray[np.uint8]:
    """A figure [227, 227, 3] by Pillow: [224, 224, 3]."""
    return np.asarray(Image.fromarray(figure).resize((224, 224), FILTERS[resize]))


def fft_samples(rate_hz: int) -> int:
    """The next power of two of 25 ms."""
    return 1 << (int(rate_hz * 0.025) - 1).bit_length()


def levels(chunk: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float32]:
    """Mel levels in dB against their maximum: [128, frames]."""
    length = fft_samples(rate_hz)
    spectrum = librosa.stft(chunk, n_fft=length, hop_length=length // 2, center=False)
    mel = librosa.feature.melspectrogram(S=np.abs(spectrum) ** 2, sr=rate_hz, n_mels=128)
    db: NDArray[np.float32] = librosa.power_to_db(mel, ref=np.max, top_db=None)
    return db


def drawn(values: NDArray[np.float32], *, rate_hz: int, colour_map: str) -> NDArray[np.uint8]:
    """The figure of values [bands, frames]: [227, 227, 3]."""
    figure = plt.figure(frameon=False)
    figure.set_size_inches(1, 1)
    axes = Axes(figure, (0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    figure.add_axes(axes)
    specshow(
        values,
        hop_length=fft_samples(rate_hz) // 2,
        fmax=rate_hz / 2,
        sr=rate_hz,
        cmap=colour_map,
        y_axis="mel",
        x_axis="time",
    )
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=227)
    plt.close(figure)
    file.seek(0)
    return np.asarray(Image.open(file))[..., :3]
