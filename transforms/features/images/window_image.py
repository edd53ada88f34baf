"""`window-image`: spectrogram images of short windows, the picture behind Deep Spectrum features.

Amiriparian et al. (2019), Deep Spectrum with 1 s windows: 128 mel bands in dB against the window's
maximum, scaled from its minimum to its maximum. Here a window is the 62 frames (.992 s) from the
first frame of each second on, low frequencies first, as one byte a pixel: the colour map is a table
of 256 colours that the model looks up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transforms.features.front_end import FrontEnd, Layout
from transforms.features.mel import spectrum
from transforms.features.mel.filter_bank import filter_bank

NAME, VERSION = "window-image", 1
BANDS = 128
FRAMES = 62
_TINY = 1e-10


def window_images(samples: NDArray[np.float32], *, rate_hz: int = spectrum.RATE_HZ) -> NDArray[np.uint8]:
    """Samples [n] float32 at 16 kHz -> images [windows, 128, 62] uint8, one for each second begun
    that has its 62 frames inside the track."""
    mel = mel_power(spectrum.power_spectrum(samples, rate_hz=rate_hz))
    return np.stack(
        [image(mel[first : first + FRAMES]) for first in window_starts(len(mel))]
        or [np.zeros((0, BANDS, FRAMES), np.uint8)]
    ).reshape(-1, BANDS, FRAMES)


def window_starts(frames: int) -> list[int]:
    """First frame of every window of a track of so many frames; one second is 62.5 frames."""
    starts: list[int] = []
    while (first := window_start(len(starts))) + FRAMES <= frames:
        starts.append(first)
    return starts


def window_start(index: int) -> int:
    """First frame of window `index`: the last that starts no later than second `index`."""
    return index * spectrum.RATE_HZ // spectrum.HOP_SAMPLES


def mel_power(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power [frames, 257] -> mel power [frames, 128]."""
    bank = filter_bank(
        BANDS,
        fft_samples=spectrum.FFT_SAMPLES,
        rate_hz=spectrum.RATE_HZ,
        low_hz=0.0,
        high_hz=spectrum.RATE_HZ / 2,
    )
    mel: NDArray[np.float32] = power @ bank
    return mel


def image(mel: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Mel power [frames, 128] of one window -> [128, frames] uint8; a constant window is black."""
    level = np.log10(np.maximum(mel, np.float32(_TINY))).T
    low, high = level.min(), level.max()
    if high - low < 1e-6:
        return np.zeros(level.shape, np.uint8)
    pixels: NDArray[np.uint8] = np.rint((level - low) * (np.float32(255.0) / (high - low))).astype(np.uint8)
    return pixels


@dataclass(slots=True)
class WindowImageStream:
    """Draws each window as soon as its frames are there; `finish` gives what `window_images` gives."""

    _pending: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, BANDS), np.float32))
    _first: int = 0
    _images: list[NDArray[np.uint8]] = field(default_factory=list)

    def push(self, mel: NDArray[np.float32]) -> None:
        """Take the next frames of `mel_power`: [m, 128]."""
        self._pending = np.concatenate([self._pending, mel])
        while (at := window_start(len(self._images)) - self._first) + FRAMES <= len(self._pending):
            self._images.append(image(self._pending[at : at + FRAMES]))
        # The next window may begin a frame after what has come so far.
        done = min(len(self._pending), window_start(len(self._images)) - self._first)
        self._pending, self._first = self._pending[done:], self._first + done

    def finish(self, total_samples: int) -> NDArray[np.uint8]:
        """Images [windows, 128, 62] of the whole track."""
        windows = len(window_starts(spectrum.frame_count(total_samples)))
        if not windows:
            return np.zeros((0, BANDS, FRAMES), np.uint8)
        return np.stack(self._images[:windows])


def _layout(_: None) -> Layout:
    names = tuple(f"mel_{band}_frame_{frame}" for band in range(BANDS) for frame in range(FRAMES))
    return Layout(names, step_s=1.0, shape=(BANDS, FRAMES))


FRONT_END: FrontEnd[None] = FrontEnd(
    name=NAME,
    version=VERSION,
    about="mel images of one second, a byte a pixel (for image-rnn)",
    rate_hz=spectrum.RATE_HZ,
    presets={"default": None},
    layout=_layout,
    start=lambda _: window_images,
)
