"""MusiCNN by Essentia's extractor and its published graph, with the valence/arousal head for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_WEIGHTS = Path(__file__).resolve().parents[4] / "shared" / "data" / "weights"
_TAGS, _HEAD = "msd-musicnn-1.pb", "deam-musicnn-msd-1.pb"
# As Essentia's TensorflowPredictMusiCNN cuts them, and its batches.
_PATCH, _HOP, _BATCH = 187, 93, 64


def missing() -> str:
    """Why it cannot run, "" if it can."""
    return "" if (_WEIGHTS / _TAGS).is_file() else "the weights of MusiCNN are not here"


def start() -> Callable[[Path], list[float]]:
    """A file to its 50 tags and to valence and arousal, means over patches of 3 s."""
    import essentia

    essentia.log.infoActive = False
    essentia.log.warningActive = False
    from essentia.standard import FrameGenerator, MonoLoader, TensorflowInputMusiCNN

    from models.tensorflow_start import start_tensorflow

    start_tensorflow(threads=1)
    extract = TensorflowInputMusiCNN()
    tags = _graph(_TAGS, "model/Placeholder:0", ("model/Sigmoid:0", "model/dense/BiasAdd:0"))
    head = _graph(_HEAD, "flatten_in_input:0", ("dense_out:0",))

    def run(file: Path) -> list[float]:
        samples = MonoLoader(filename=str(file), sampleRate=16_000, resampleQuality=4)()
        frames = FrameGenerator(samples, frameSize=512, hopSize=256, startFromZero=True)
        bands = np.array([extract(frame) for frame in frames])
        patches = np.stack([bands[at : at + _PATCH] for at in range(0, len(bands) - _PATCH + 1, _HOP)])
        scores, affect = [], []
        for first in range(0, len(patches), _BATCH):
            some, embedded = tags(patches[first : first + _BATCH])
            scores.append(some.numpy())
            affect.append(head(embedded)[0].numpy())
        return [*np.concatenate(scores).mean(axis=0), *np.concatenate(affect).mean(axis=0)]

    return run


def _graph(name: str, source: str, targets: tuple[str, ...]) -> Any:
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString((_WEIGHTS / name).read_bytes())
    wrapped = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
    found = wrapped.prune(source, targets)
    return lambda values: found(tf.convert_to_tensor(values))
