"""The graph of a net without its weights: names and shapes of its layers, and the net cut at one of them."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

from models.image_nets.registry import NetEntry, build_graph, net_entry, unknown
from models.tensorflow_start import start_tensorflow

if TYPE_CHECKING:
    import keras


def layer_of(entry: NetEntry, layer: str) -> str:
    """Name of the layer to read, the net's own where `layer` is empty; "/" in a name stands for "_"."""
    return layer.replace("/", "_") if layer else entry.layer


def value_count(name: str, layer: str = "") -> int:
    """How many values an image gives, without weights; TensorFlow is needed only for a layer that is not
    the net's own. DataError(bad_input) for an unknown net or layer."""
    entry = net_entry(name)
    wanted = layer_of(entry, layer)
    if wanted == entry.layer:
        return entry.values
    return math.prod(cut(entry, wanted).output.shape[1:])


def cut(entry: NetEntry, layer: str) -> keras.Model:
    """The net from its input to a layer, its variables without values; DataError(bad_input) with the near
    names where it has no such layer."""
    import keras

    whole = whole_graph(entry.name)
    names = [each.name for each in whole.layers]
    if layer not in names:
        raise unknown(f"image net {entry.name} has no layer {layer!r}", layer, names)
    return keras.Model(whole.input, whole.get_layer(layer).output)


def variables_by_layer(model: keras.Model) -> list[tuple[str, list[Any]]]:
    """Layers that have weights, in Keras's order, with their variables in the order of its HDF5 files."""
    return [
        (layer.name, [*layer.trainable_weights, *layer.non_trainable_weights])
        for layer in model.layers
        if layer.weights
    ]


def threads_given() -> int:
    """Threads that this process was given, 0 for as many as there are cores: as for NumPy, the workers of a
    job set it to 1."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return int(threads) if threads.isdigit() else 0


@cache
def whole_graph(name: str) -> keras.Model:
    """The whole net, its variables without values.

    It is built in a thread of its own. Keras counts the names of layers per thread, so they are those of a
    fresh process whatever else was built in this one; and it remembers per thread which variables wait for a
    value, so no later model fills these with random numbers.
    """
    start_tensorflow(threads=threads_given())
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(_without_values, net_entry(name)).result()


def _without_values(entry: NetEntry) -> keras.Model:
    import keras

    with keras.StatelessScope(initialize_variables=False):
        return build_graph(entry)
