"""Essentia: MonoLoader and its mel extractor, our network through TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.bench.network import mel_rows, network
from transforms.features.mel import step_mel
from transforms.features.mel.magnitudes import RATE_HZ

# Essentia's own: 1 of 0 (best) to 4 (linear).
DEFAULT_QUALITY = 1


def start(quality: int = DEFAULT_QUALITY) -> Callable[[Path], list[float]]:
    """A file to scores, with MonoLoader's `resampleQuality`."""
    import essentia

    essentia.log.infoActive = False
    essentia.log.warningActive = False
    from essentia.standard import FrameGenerator, MonoLoader, TensorflowInputVGGish

    tag, extract = network(), TensorflowInputVGGish()
    lead = np.zeros(step_mel.LEAD_SAMPLES, np.float32)

    def run(file: Path) -> list[float]:
        loader = MonoLoader(filename=str(file), sampleRate=RATE_HZ, resampleQuality=quality)
        samples = loader()
        frames = FrameGenerator(
            np.concatenate([lead, samples]), frameSize=400, hopSize=step_mel.HOP_SAMPLES, startFromZero=True
        )
        # It gives ln(mel + .01); the network's level is taken from the bands themselves.
        bands = np.exp(np.array([extract(frame) for frame in frames])) - np.float32(0.01)
        return tag(mel_rows(bands), len(samples))

    return run


def start_linear() -> Callable[[Path], list[float]]:
    """The same with the resampling that Essentia's models were trained on."""
    return start(quality=4)
