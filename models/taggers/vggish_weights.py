"""Public VGGish weights for the convolutions of the CRNN, from Google's checkpoint or a copy of it.

Hershey et al., "CNN Architectures for Large-Scale Audio Classification", ICASSP 2017; `moodscribe weights
fetch vggish` brings the checkpoint. Amiriparian et al. (2019) start their CRNN from these weights. Kernels
are [3 in time, 3 in frequency, in, out] and see patches with a row per frame and a column per mel band, as
our CRNN does. VGGish was trained on ln(mel + .01) of HTK bands every 10 ms; the CRNN, as published, sees
levels in dB every 16 ms, normalised per Slaney band, so its layers have to adapt.

Files: a TensorFlow checkpoint (one file, or the prefix of an index with its data), an .npz or .safetensors
with the arrays by their names in the checkpoint, or an .h5 in Keras's layout with the layers in order. Only
arrays are read, nothing is run; the fully connected layers are left alone.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.image_nets.weights import path_of, weights_file
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import keras

Arrays = dict[str, NDArray[np.float32]]

# The convolutions in order, by their names in the checkpoint.
CONVOLUTIONS = (
    "vggish/conv1",
    "vggish/conv2",
    "vggish/conv3/conv3_1",
    "vggish/conv3/conv3_2",
    "vggish/conv4/conv4_1",
    "vggish/conv4/conv4_2",
)
_CHANNELS = (1, 64, 128, 256, 256, 512, 512)
_DENSE = (("fc1/fc1_1", (12_288, 4096)), ("fc1/fc1_2", (4096, 4096)), ("fc2", (4096, 128)))
SHAPES: dict[str, tuple[int, ...]] = {
    name: shape
    for layer, inputs, outputs in zip(CONVOLUTIONS, _CHANNELS[:-1], _CHANNELS[1:], strict=True)
    for name, shape in ((f"{layer}/weights", (3, 3, inputs, outputs)), (f"{layer}/biases", (outputs,)))
}


def load_vggish(model: keras.Model, path: Path) -> None:
    """Fill the convolutions of a built CRNN of published width; the rest of the model stays as it is.

    Raises DataError(not_found) without the file, DataError(bad_input) that names the file and the array for
    one that is no such file, lacks an array, has it in another shape or with a value that is not finite, and
    for a model whose convolutions are of other sizes. The model is changed only if everything fits.
    """
    from models.taggers.crnn import convolution_layers

    layers = [model.get_layer(name) for name in convolution_layers(model)]
    found = [tuple(layer.kernel.shape) for layer in layers]
    wanted = [SHAPES[f"{name}/weights"] for name in CONVOLUTIONS]
    if found != wanted:
        raise _refused(f"VGGish's convolutions are {wanted}, those of {model.name} are {found}")
    arrays = read_vggish(path)
    for layer, name in zip(layers, CONVOLUTIONS, strict=True):
        layer.set_weights([arrays[f"{name}/weights"], arrays[f"{name}/biases"]])


def vggish_path(given: str = "") -> Path:
    """The given file, or the fetched checkpoint; DataError(not_found) where it is not there, with the command
    that fetches it."""
    return path_of(weights_file("vggish"), given=given)


def read_vggish(path: Path) -> Arrays:
    """Arrays of the convolutions by their names in the checkpoint, float32; errors as `load_vggish`."""
    reader = _READERS.get(path.suffix, _from_checkpoint)
    if not path.is_file() and not (
        reader is _from_checkpoint and path.with_name(f"{path.name}.index").is_file()
    ):
        raise DataError(FailureKind.NOT_FOUND, Stage.BUNDLE, f"{path}: no such file of VGGish weights")
    return reader(path)


def _from_checkpoint(path: Path) -> Arrays:
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(path))
        shapes = reader.get_variable_to_shape_map()
        return _checked(path, set(shapes), shape=lambda name: shapes[name], read=reader.get_tensor)
    except tf.errors.OpError as error:
        raise _refused(f"{path} is no TensorFlow checkpoint, or is damaged: {error.message}") from error


def _from_npz(path: Path) -> Arrays:
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise _refused(f"{path} is one array, not an .npz")
        with file:
            return _checked(
                path, set(file), shape=lambda name: file[name].shape, read=lambda name: file[name]
            )
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise _refused(f"{path} is no .npz of plain arrays, or is damaged: {error}") from error


def _from_safetensors(path: Path) -> Arrays:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return _checked(
                path,
                set(file.keys()),
                shape=lambda name: file.get_slice(name).get_shape(),
                read=file.get_tensor,
            )
    # A float type that numpy does not have ends in one of the last two.
    except (OSError, SafetensorError, TypeError, AttributeError) as error:
        raise _refused(f"{path} is no safetensors file, or is damaged: {error}") from error


def _from_h5(path: Path) -> Arrays:
    """From Keras's layout: layers with weights are matched in order, whatever they are called."""
    from models.image_nets.h5_weights import Plan, read_weights

    plan: Plan = [
        (layer, [(name, SHAPES[name]) for name in (f"{layer}/weights", f"{layer}/biases")])
        for layer in CONVOLUTIONS
    ]
    plan += [(name, [(f"{name}/weights", shape), (f"{name}/biases", shape[1:])]) for name, shape in _DENSE]
    arrays = read_weights(path, plan, net="vggish")
    return _checked(path, set(arrays), shape=lambda name: arrays[name].shape, read=lambda name: arrays[name])


_READERS: dict[str, Callable[[Path], Arrays]] = {
    ".npz": _from_npz,
    ".safetensors": _from_safetensors,
    ".h5": _from_h5,
    ".hdf5": _from_h5,
}


def _checked(
    path: Path, names: set[str], *, shape: Callable[[str], Any], read: Callable[[str], Any]
) -> Arrays:
    """The wanted arrays of a file, each looked at before it is read."""
    arrays: Arrays = {}
    for name, wanted in SHAPES.items():
        # Copies made with TensorFlow 1 name the tensor, not the variable.
        stored = name if name in names else f"{name}:0"
        if stored not in names:
            raise _refused(f"{path}: array {name!r} is missing")
        if (found := tuple(shape(stored))) != wanted:
            raise _refused(f"{path}: array {name!r} is {list(found)}, VGGish has {list(wanted)}")
        array = np.asarray(read(stored))
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise _refused(f"{path}: array {name!r} has values that are no finite floats ({array.dtype})")
        arrays[name] = array.astype(np.float32, copy=False)
    return arrays


def _refused(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.BUNDLE, message)
