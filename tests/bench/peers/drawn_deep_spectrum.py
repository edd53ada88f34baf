"""Deep Spectrum as published: librosa's levels, a figure drawn for each chunk, VGG16 by Keras's `predict`.

The chunks of the nine published models: 29 of a second and 5 of five seconds from the first half minute.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.bench.nine import vgg16_file
from tests.references.deep_spectrum import reference

CHUNKS = ((1.0, 29), (5.0, 5))


def start() -> Callable[[Path], list[float]]:
    """A file to the first values of fc2 of each chunk."""
    import keras
    import soundfile

    whole = keras.models.load_model(vgg16_file())
    net = keras.Model(whole.input, whole.get_layer("fc2").output)

    def run(file: Path) -> list[float]:
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
        mono = samples.mean(axis=1)
        found = []
        for window_s, count in CHUNKS:
            pictures = reference(
                mono[: round(count * window_s * rate_hz)], rate_hz=rate_hz, window_s=window_s
            )
            found.append(net.predict(pictures[..., ::-1].astype(np.float32), verbose=0))
        return [float(value) for rows in found for value in rows[:, 0]]

    return run
