"""Before the first step: a net with its seed and first weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders.mobile import MobileSettings, build
from models.tensorflow_start import start_tensorflow
from models.weights import set_weights


def start_encoder(arrays: Mapping[str, NDArray[np.floating]], *, rows: int, seed: int, source: str) -> Any:
    """An encoder of so many rows a call with these weights; the random generators begin at `seed`."""
    start_tensorflow(threads=1)
    import keras

    keras.utils.set_random_seed(seed)
    net = build(MobileSettings(rows=rows))
    set_weights(net, arrays, source=source)
    return net
