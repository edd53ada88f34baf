"""Pictures of composed sounds, the same on every machine: by them a net is quantised and checked.

Chunks are unlike each other, from one voice to a full band with noise and beats, loud bass to bright top, so
that what a net takes inside has about the range that it has on music.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_samples
from transforms.features.images.deep_spectrum import DeepSpectrumSettings, spectrogram_images

_RATE_HZ = 44_100
_SECONDS = (1.0, 5.0)
_CHUNKS = 32
_SEED = 20


def known_pictures(colour_map: str, *, side: int) -> NDArray[np.uint8]:
    """Pictures [32, side, side, 3] in a colour map, two of one second and two of five in turns."""
    return np.concatenate([_picture(index, colour_map, side) for index in range(_CHUNKS)])


def _picture(index: int, colour_map: str, side: int) -> NDArray[np.uint8]:
    seconds = _SECONDS[index // 2 % 2]
    settings = DeepSpectrumSettings(window_s=seconds, hop_s=seconds, colour_map=colour_map)
    samples = _sound(index, to_samples(seconds, rate_hz=_RATE_HZ))
    return spectrogram_images(samples, rate_hz=_RATE_HZ, settings=settings, side=side)


def _sound(index: int, count: int) -> NDArray[np.float32]:
    """Samples [count] of some voices, noise and beats."""
    draws = np.random.default_rng([_SEED, index])
    times = np.arange(count) / _RATE_HZ
    samples = 10 ** draws.uniform(-5, -1) * draws.standard_normal(count)
    for _ in range(draws.integers(0, 7)):
        pitch_hz, harmonics = 55 * 2 ** draws.uniform(0, 5), draws.integers(1, 16)
        vibrato = 1 + draws.uniform(0, 0.01) * np.sin(2 * np.pi * draws.uniform(4, 7) * times)
        phase = 2 * np.pi * np.cumsum(pitch_hz * vibrato) / _RATE_HZ
        decay = np.exp(-draws.uniform(0, 6) * (times - draws.uniform(0, times[-1] / 2)).clip(0))
        for harmonic in range(1, harmonics + 1):
            samples += decay * draws.uniform(0, 0.5) / harmonic * np.sin(harmonic * phase)
    period = draws.uniform(0.12, 1.0)
    beats = np.exp(-draws.uniform(20, 200) * (times % period)) * draws.standard_normal(count)
    return np.asarray(samples + draws.integers(0, 2) * 0.5 * beats, np.float32)
