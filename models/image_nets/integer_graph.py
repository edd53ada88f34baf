"""A Keras graph of images as OpenVINO's, with weights and what layers take quantised to eight bits.

Weights are quantised for each output channel, from -max to max of their size; what a layer takes by a range
that is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.image_nets.preprocessing import BGR_MEAN, Preprocessing
from models.image_nets.registry import NetEntry
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import keras

_LEVELS, _WEIGHT_LEVELS = 256, 255
_LEAST_RANGE = 1e-12
_CHANNELS_FIRST, _CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)

Arrays = Mapping[str, NDArray[np.float32]]
# Least and largest of what a layer with a kernel takes, by the layer's name.
Ranges = Mapping[str, tuple[float, float]]


def integer_graph(entry: NetEntry, model: keras.Model, arrays: Arrays, ranges: Ranges, *, batch: int) -> Any:
    """OpenVINO's model of images [batch, side, side, 3] uint8 -> output of the Keras model.

    DataError(bad_input) for a net with layers that have no integer form here.
    """
    return _Walk(arrays, ranges).graph(entry, model, batch)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A Keras graph of images on its way into OpenVINO's, which has channels before places."""

    arrays: Arrays
    ranges: Ranges

    def graph(self, entry: NetEntry, model: keras.Model, batch: int) -> Any:
        """The model from uint8 images to its output."""
        import openvino
        from openvino import opset13 as ops

        side = entry.input_size
        images = ops.parameter([batch, side, side, 3], np.uint8)
        pixels = _preprocessed(ops.convert(images, "f32"), entry.preprocessing)
        nodes = {id(model.input): ops.transpose(pixels, _constant(_CHANNELS_FIRST))}
        for layer in model.layers[1:]:
            nodes[id(layer.output)] = self._node(layer, [nodes[id(one)] for one in _inputs(layer)])
        found = nodes[id(model.output)]
        if len(model.output.shape) == len(_CHANNELS_LAST):
            found = ops.transpose(found, _constant(_CHANNELS_LAST))
        return openvino.Model([found], [images], entry.name)

    def _node(self, layer: Any, inputs: Sequence[Any]) -> Any:
        from openvino import opset13 as ops

        kind, (x, *_) = type(layer).__name__, inputs
        match kind:
            case "Conv2D":
                return _activated(self._convolution(layer, x), layer)
            case "Dense":
                return _activated(self._dense(layer, x), layer)
            case "Activation":
                return _activated(x, layer)
            case "MaxPooling2D":
                before, after = _padding(layer, layer.pool_size)
                pooled = ops.max_pool(x, list(layer.strides), [1, 1], before, after, list(layer.pool_size))
                return pooled.output(0)
            case "Concatenate":
                return ops.concat(list(inputs), 1)
            case "GlobalAveragePooling2D":
                return ops.reduce_mean(x, _constant([2, 3]))
            case "Flatten":
                return ops.reshape(ops.transpose(x, _constant(_CHANNELS_LAST)), _constant([0, -1]), True)
            case "Dropout":
                return x
        raise _no_form(f"layer {layer.name} ({kind})")

    def _convolution(self, layer: Any, x: Any) -> Any:
        from openvino import opset13 as ops

        if layer.groups != 1 or layer.dilation_rate != (1, 1):
            raise _no_form(f"layer {layer.name} (a grouped or dilated convolution)")
        # [height, width, from, to] -> [to, from, height, width]
        kernel = self._weights(layer, (3, 2, 0, 1))
        before, after = _padding(layer, layer.kernel_size)
        found = ops.convolution(self._taken(layer, x), kernel, list(layer.strides), before, after, [1, 1])
        return ops.add(found, ops.constant(self._bias(layer).reshape(1, -1, 1, 1)))

    def _dense(self, layer: Any, x: Any) -> Any:
        from openvino import opset13 as ops

        found = ops.matmul(self._taken(layer, x), self._weights(layer, (1, 0)), False, True)
        return ops.add(found, ops.constant(self._bias(layer).reshape(1, -1)))

    def _bias(self, layer: Any) -> NDArray[np.float32]:
        none = np.zeros(layer.kernel.shape[-1], np.float32)
        return self.arrays[layer.bias.path] if layer.use_bias else none

    def _weights(self, layer: Any, axes: tuple[int, ...]) -> Any:
        from openvino import opset13 as ops

        kernel = np.ascontiguousarray(self.arrays[layer.kernel.path].transpose(axes))
        others = tuple(range(1, kernel.ndim))
        largest = np.maximum(np.abs(kernel).max(axis=others, keepdims=True), _LEAST_RANGE)
        return _quantised(ops.constant(kernel), -largest, largest, _WEIGHT_LEVELS)

    def _taken(self, layer: Any, x: Any) -> Any:
        low, high = self.ranges[layer.name]
        return _quantised(x, np.float32(low), np.float32(high), _LEVELS)


def _quantised(x: Any, low: Any, high: Any, levels: int) -> Any:
    from openvino import opset13 as ops

    ends = [ops.constant(np.asarray(end, np.float32)) for end in (low, high, low, high)]
    return ops.fake_quantize(x, *ends, levels)


def _constant(values: Sequence[int]) -> Any:
    from openvino import opset13 as ops

    return ops.constant(np.array(values, np.int64))


def _inputs(layer: Any) -> list[Any]:
    return list(layer.input) if isinstance(layer.input, list | tuple) else [layer.input]


def _padding(layer: Any, size: tuple[int, int]) -> tuple[list[int], list[int]]:
    """Zeros before and after each axis of places, as TensorFlow lays them."""
    if layer.padding == "valid":
        return [0, 0], [0, 0]
    rests = list(_same(layer, size))
    return [rest // 2 for rest in rests], [rest - rest // 2 for rest in rests]


def _same(layer: Any, size: tuple[int, int]) -> Iterator[int]:
    for places, taken, stride in zip(layer.input.shape[1:3], size, layer.strides, strict=True):
        yield max(0, (-(-places // stride) - 1) * stride + taken - places)


def _activated(x: Any, layer: Any) -> Any:
    from openvino import opset13 as ops

    name = layer.activation.__name__
    if name == "linear":
        return x
    if name == "relu":
        return ops.relu(x)
    raise _no_form(f"layer {layer.name} (activation {name})")


def _preprocessed(pixels: Any, way: Preprocessing) -> Any:
    """See models.image_nets.preprocessing; the two ways of the nets that can be quantised."""
    from openvino import opset13 as ops

    if way not in (Preprocessing.BGR, Preprocessing.CAFFE):
        raise _no_form(f"preprocessing {way.value}")
    turned = ops.gather(pixels, _constant([2, 1, 0]), ops.constant(np.int64(3)))
    return (
        turned
        if way is Preprocessing.BGR
        else ops.subtract(turned, ops.constant(np.array(BGR_MEAN, np.float32)))
    )


def _no_form(what: str) -> DataError:
    message = f"{what} has no int8 form; vgg16, vgg19 and squeezenet have one, up to the layer before softmax"
    return DataError(FailureKind.BAD_INPUT, Stage.BUNDLE, message)
