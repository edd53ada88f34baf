"""Patches of YAMNet by TensorFlow's own signal library, as the published model computes them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000


@cache
def _mel_weights() -> Any:
    import tensorflow as tf

    return tf.signal.linear_to_mel_weight_matrix(
        num_mel_bins=64,
        num_spectrogram_bins=257,
        sample_rate=RATE_HZ,
        lower_edge_hertz=125.0,
        upper_edge_hertz=7500.0,
    )


def reference(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float32]:
    """Patches [k, 96, 64] every .48 s; silence fills the last one."""
    import tensorflow as tf

    assert rate_hz == RATE_HZ
    # One patch takes 15,600 samples, each one more 7,680.
    patches = 1 + max(0, int(np.ceil((len(samples) - 15_600) / 7_680)))
    filled = np.pad(samples, (0, 15_600 + (patches - 1) * 7_680 - len(samples)))
    spectra = tf.signal.stft(filled, frame_length=400, frame_step=160, fft_length=512)
    mel = tf.matmul(tf.abs(spectra), _mel_weights())
    framed = tf.signal.frame(tf.math.log(mel + 0.001), frame_length=96, frame_step=48, axis=0)
    found: NDArray[np.float32] = framed.numpy()
    return found
