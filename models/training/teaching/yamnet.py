"""YAMNet's weights for our encoder: read from the TensorFlow Lite file, named as the encoder's variables.

Weights: `yamnet_dynrange.tflite` (Apache-2.0, Google; MobileNet-v1 trained on AudioSet, Gemmeke et al. 2017).
Its convolutions, batch normalisation folded in, are layer for layer those of `models.encoders.mobile`. On
patches of YAMNet's own front end (96 frames of 10 ms) the encoder that is filled with them says what YAMNet
says. The file holds most weights as bytes with a scale for each channel; they are used as the float32 that
these stand for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders.mobile import FRAMES, PATCH_ROWS, MobileSettings, build
from models.ensemble import compiled
from models.weights import set_weights
from schemas.errors import DataError, FailureKind, Stage

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
# Axes of a kernel in the file: out, rows, columns, in; a depthwise one: 1, rows, columns, channels.
_TO_KERAS = (1, 2, 3, 0)
_COMPILED = 64


def yamnet_arrays(path: Path) -> dict[str, NDArray[np.float32]]:
    """Weights of the encoder by variable, from the TensorFlow Lite file.

    Raises DataError(not_found) without the file, DataError(bad_input) for one with other convolutions and for
    what is no TensorFlow Lite file.
    """
    if not path.is_file():
        raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, f"{path.name} is not in the data folder")
    blocks = range(1, len(MobileSettings().channels) + 1)
    names = ["conv0", *(f"{kind}{block}" for block in blocks for kind in ("depth", "point"))]
    kernels = list(_convolutions(path))
    if len(kernels) != len(names):
        message = f"{path.name} has {len(kernels)} convolutions, YAMNet {len(names)}"
        raise DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
    arrays = {}
    for name, (kernel, bias) in zip(names, kernels, strict=True):
        arrays[f"{name}/kernel"] = np.ascontiguousarray(kernel.transpose(_TO_KERAS))
        arrays[f"{name}/bias"] = bias
    return arrays


def _convolutions(path: Path) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """(kernel, bias) of every convolution, in the order of the net."""
    net = _opened(path)
    details = {detail["index"]: detail for detail in net.get_tensor_details()}
    for operation in net._get_ops_details():
        if operation["op_name"] in _CONVOLUTIONS:
            _, kernel, bias = (int(index) for index in operation["inputs"])
            yield _floats(net.get_tensor(kernel), details[kernel]), net.get_tensor(bias)


def _opened(path: Path) -> Any:
    """An interpreter of the file, its tensors there to be read."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        net = Interpreter(str(path), num_threads=1)
        net.allocate_tensors()
    # The first for bytes that are no net, the second for a net that it cannot make ready.
    except (ValueError, RuntimeError) as error:
        message = f"{path.name} is no TensorFlow Lite file that can be read: {str(error).strip()}"
        raise DataError(FailureKind.BAD_INPUT, Stage.INPUT, message) from error
    return net


def _floats(values: NDArray[Any], detail: dict[str, Any]) -> NDArray[np.float32]:
    """What a tensor's bytes stand for: value = scale * (byte - zero), by channel."""
    if values.dtype == np.float32:
        return values
    quantised = detail["quantization_parameters"]
    shape = [1] * values.ndim
    shape[quantised["quantized_dimension"]] = -1
    scales, zeros = (quantised[name].reshape(shape) for name in ("scales", "zero_points"))
    floats: NDArray[np.float32] = ((values.astype(np.int32) - zeros) * scales).astype(np.float32)
    return floats


class Yamnet:
    """The teacher's ear: the encoder with YAMNet's weights, on YAMNet's own patches."""

    def __init__(self, path: Path) -> None:
        """Raises DataError: see `yamnet_arrays`."""
        model = build(MobileSettings(rows=PATCH_ROWS))
        set_weights(model, yamnet_arrays(path), source=path.name)
        self._run = compiled(model)

    def embed(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Patches [n, 96, 64] of the front end `yamnet` -> embeddings [n, 1024] float32."""
        # Counts of few kinds: a net is compiled for each.
        spare = -len(patches) % _COMPILED
        rows = np.pad(patches, [(0, spare), (0, 0), (0, 0)])
        rows = rows.reshape(len(rows), PATCH_ROWS, FRAMES, patches.shape[-1])
        inside = np.ones((len(rows), PATCH_ROWS), bool)
        embeddings: NDArray[np.float32] = self._run(rows, inside).numpy()[: len(patches), 0]
        return embeddings
