"""Image nets at work: images to the values of one layer, as the DeepSpectrum toolkit takes them."""

from __future__ import annotations

import gc
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.image_nets import quantised
from models.image_nets.graph import cut, layer_of, value_count, variables_by_layer, whole_graph
from models.image_nets.h5_weights import Plan, read_weights
from models.image_nets.integer_graph import Arrays, Ranges, integer_graph
from models.image_nets.preprocessing import preprocessed
from models.image_nets.registry import NetEntry, net_entry
from models.image_nets.weights import weights_path
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import keras

__all__ = ["ImageNet", "build_net", "load_net", "value_count"]

# Every run has as many images, the last one filled up with black: another batch size may mean another order
# of sums inside, and an image's values must not change with its neighbours. Four images run within a few per
# cent of the speed of thirty-two, and waste three places at most.
_BATCH = 4

_LOADING = threading.Lock()

# Images [_BATCH, side, side, 3] -> values [_BATCH, values].
Run = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class ImageNet:
    """A net with its weights, cut at a layer; safe to call from several threads."""

    def __init__(self, entry: NetEntry, *, layer: str, run: Run) -> None:
        self.name, self.layer, self.input_size = entry.name, layer, entry.input_size
        self.values = value_count(entry.name, layer)
        self.batch = _BATCH
        self._run = run

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """RGB images [n, side, side, 3] uint8 -> values [n, values] float32; an output of more than one axis
        is flattened in C order. Raises DataError(bad_input) for anything else than such images."""
        shape = (self.input_size, self.input_size, 3)
        if images.dtype != np.uint8 or images.ndim != len(shape) + 1 or images.shape[1:] != shape:
            wanted = f"uint8 [n, {self.input_size}, {self.input_size}, 3]"
            message = f"images for {self.name} must be {wanted}, not {images.dtype} {list(images.shape)}"
            raise DataError(FailureKind.BAD_INPUT, Stage.FEATURES, message)
        values = np.empty((len(images), self.values), np.float32)
        for start in range(0, len(images), _BATCH):
            some = images[start : start + _BATCH]
            if len(some) < _BATCH:
                some = np.concatenate([some, np.zeros((_BATCH - len(some), *shape), np.uint8)])
            rows = values[start : start + _BATCH]
            rows[:] = self._run(some)[: len(rows)]
        return values


@dataclass(frozen=True, slots=True)
class KnownPictures:
    """Images [n, side, side, 3] by which a net is quantised, and others by which it is checked; equal where
    their `name` is."""

    name: str
    ranging: NDArray[np.uint8] = field(compare=False)
    checking: NDArray[np.uint8] = field(compare=False)


def load_net(
    name: str, *, layer: str = "", weights: str = "", quantised_by: KnownPictures | None = None
) -> ImageNet:
    """The net of that name with its weights, read at `layer` (the net's own where it is empty).

    `weights` is a Keras HDF5 file; without it, the file that `moodscribe weights fetch NAME` put into the
    cache. With pictures it runs in eight-bit integers. A net is loaded once a process. Raises DataError:
    bad_input for an unknown net or layer (with near names), for a file that does not fit, and for a net that
    integers make another; not_found where there are no weights, with the command that fetches them.
    """
    entry = net_entry(name)
    path = weights_path(name, given=weights).absolute()
    with _LOADING:
        if quantised_by is None:
            return _loaded(name, layer_of(entry, layer), path)
        return _quantised(name, layer_of(entry, layer), path, quantised_by)


@cache
def _loaded(name: str, layer: str, path: Path) -> ImageNet:
    entry, model, arrays = _read(name, layer, path)
    return ImageNet(entry, layer=layer, run=_compiled(entry, model, arrays))


@cache
def _quantised(name: str, layer: str, path: Path, pictures: KnownPictures) -> ImageNet:
    entry, model, arrays = _read(name, layer, path)
    return quantise(entry, model, arrays, pictures)


def quantise(entry: NetEntry, model: keras.Model, arrays: Arrays, pictures: KnownPictures) -> ImageNet:
    """A net in integers, held against its floats; DataError(bad_input) where the two are not alike. There are
    as many pictures of either kind as whole batches have."""
    ranges, wanted = _in_floats(entry, model, arrays, pictures)
    gc.collect()  # functions of TensorFlow stand in circles
    graph = integer_graph(entry, model, arrays, ranges, batch=_BATCH)
    integers = ImageNet(entry, layer=model.layers[-1].name, run=quantised.compiled(graph))
    found = integers.features(pictures.checking)
    quantised.refuse_unlike(entry.name, quantised.least_cosine(found, wanted))
    return integers


def _in_floats(
    entry: NetEntry, model: keras.Model, arrays: Arrays, pictures: KnownPictures
) -> tuple[Ranges, NDArray[np.float32]]:
    """Least and largest of what each layer with a kernel takes, and the values [n, values] of the pictures
    for checking."""
    import keras

    taken = {layer.name: layer.input for layer in model.layers if hasattr(layer, "kernel")}
    function = _function(entry, keras.Model(model.input, [taken, model.output]), arrays)
    ranges, values = dict.fromkeys(taken, (np.inf, -np.inf)), []
    for start in range(0, len(pictures.ranging), _BATCH):
        for name, tensor in function(pictures.ranging[start : start + _BATCH])[0].items():
            (low, high), inside = ranges[name], tensor.numpy()
            ranges[name] = min(low, float(inside.min())), max(high, float(inside.max()))
    for start in range(0, len(pictures.checking), _BATCH):
        found = function(pictures.checking[start : start + _BATCH])[1]
        values.append(found.numpy().reshape(_BATCH, -1))
    return ranges, np.concatenate(values)


def _read(name: str, layer: str, path: Path) -> tuple[NetEntry, keras.Model, Arrays]:
    """A net cut at a layer, and the arrays of its file."""
    entry = net_entry(name)
    model = cut(entry, layer)
    plan = [
        (each, [(variable.path, tuple(variable.shape)) for variable in variables])
        for each, variables in variables_by_layer(whole_graph(name))
    ]
    arrays = read_weights(path, plan, net=name)
    _refuse_missing(plan, arrays, model=model, path=path)
    return entry, model, arrays


def _refuse_missing(plan: Plan, arrays: Arrays, *, model: keras.Model, path: Path) -> None:
    needed = {variable.path for _, variables in variables_by_layer(model) for variable in variables}
    for layer, variables in plan:
        if any(key in needed and key not in arrays for key, _ in variables):
            message = (
                f"{path} has no weights for layer {layer}: is it a file without the last layers (notop)?"
            )
            raise DataError(FailureKind.BAD_INPUT, Stage.BUNDLE, message)


def build_net(name: str, *, layer: str = "", seed: int = 0) -> ImageNet:
    """The net with random weights, the same for one seed: for tests and measurements, no file is needed.

    A variable's numbers depend on the seed and its name only. DataError(bad_input) as `load_net`.
    """
    entry, model, arrays = random_net(name, layer=layer, seed=seed)
    return ImageNet(entry, layer=layer_of(entry, layer), run=_compiled(entry, model, arrays))


def random_net(name: str, *, layer: str = "", seed: int = 0) -> tuple[NetEntry, keras.Model, Arrays]:
    """What `build_net` makes its net of."""
    entry = net_entry(name)
    model = cut(entry, layer_of(entry, layer))
    variables = (variable for _, some in variables_by_layer(model) for variable in some)
    arrays = {
        variable.path: _random(variable.path, tuple(variable.shape), seed=seed) for variable in variables
    }
    return entry, model, arrays


def _random(path: str, shape: tuple[int, ...], *, seed: int) -> NDArray[np.float32]:
    """Numbers that keep a signal's power from layer to layer (He et al. 2015), small ones for the rest."""
    draws = np.random.default_rng([seed, zlib.crc32(path.encode())])
    if len(shape) > 1:
        # A depthwise kernel [height, width, channels, 1] sums over its area alone.
        inputs = np.prod(shape[:2] if shape[-1] == 1 else shape[:-1])
        return draws.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / inputs))
    if path.endswith(("gamma", "variance")):
        return 1 + np.float32(0.1) * draws.random(shape, np.float32)
    return np.float32(0.1) * draws.standard_normal(shape, np.float32)


def _compiled(entry: NetEntry, model: keras.Model, arrays: Arrays) -> Run:
    """A model as one compiled function, its output flattened."""
    function = _function(entry, model, arrays)
    return lambda images: function(images).numpy().reshape(_BATCH, -1)


def _function(entry: NetEntry, model: keras.Model, arrays: Arrays) -> Callable[[NDArray[np.uint8]], Any]:
    """Images [_BATCH, side, side, 3] uint8 -> output of the model, or outputs, as one compiled function."""
    import tensorflow as tf

    def value(variable: Any) -> Any:
        # What has no array is the state of dropout's random numbers, which are not drawn here.
        zeros = np.zeros(variable.shape, variable.dtype)
        return tf.constant(arrays.get(variable.path, zeros))

    trained = [value(variable) for variable in model.trainable_variables]
    others = [value(variable) for variable in model.non_trainable_variables]

    def run(images: Any, trained: Any, others: Any) -> Any:
        pixels = preprocessed(tf.cast(images, tf.float32), entry.preprocessing)
        return model.stateless_call(trained, others, pixels, training=False)[0]

    # Weights are handed over with each call: TensorFlow does not let go of what a function has inside.
    function = tf.function(run)
    return lambda images: function(tf.constant(images), trained, others)
