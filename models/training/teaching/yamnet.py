"""YAMNet as the teacher's ear: 1024 values for each patch of .975 s, every .48 s.

Weights: `yamnet_dynrange.tflite` (Apache-2.0, Google; MobileNet-v1 trained on AudioSet, Gemmeke et al. 2017).
It is run for training only and is no part of a bundle.

    patch k   samples [7680 k, 7680 k + 15600)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage

PATCH_SAMPLES = 15_600
HOP_SAMPLES = 7_680
VALUES = 1024
_TAP = "global_average_pooling2d/Mean"


class Yamnet:
    """The net behind a TensorFlow Lite file, with one thread."""

    def __init__(self, path: Path) -> None:
        """Raises DataError(not_found) without the file and DataError(bad_input) without the tapped layer."""
        from ai_edge_litert.interpreter import Interpreter

        if not path.is_file():
            raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, f"{path.name} is not in the data folder")
        self._net = Interpreter(str(path), experimental_preserve_all_tensors=True, num_threads=1)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]["index"]
        taps = [
            detail["index"]
            for detail in self._net.get_tensor_details()
            if _TAP in detail["name"] and list(detail["shape"]) == [1, VALUES]
        ]
        if not taps:
            raise DataError(FailureKind.BAD_INPUT, Stage.INPUT, f"{path.name} has no layer {_TAP}")
        self._tap = taps[0]

    def embed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples [n] float32 at 16 kHz -> [patches, 1024] float32, whole patches only."""
        rows = []
        for start in range(0, len(samples) - PATCH_SAMPLES + 1, HOP_SAMPLES):
            self._net.set_tensor(self._input, samples[start : start + PATCH_SAMPLES])
            self._net.invoke()
            rows.append(self._net.get_tensor(self._tap)[0].copy())
        return np.stack(rows) if rows else np.zeros((0, VALUES), np.float32)
