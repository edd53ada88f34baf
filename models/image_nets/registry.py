"""The one registry of image nets: the DeepSpectrum toolkit's names -> graph, input, preprocessing, layer."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.image_nets.preprocessing import Preprocessing
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class NetEntry:
    """A net: its constructor in keras.applications ("" for our own), the side of its square input in pixels,
    what is done to the pixels, the layer read where none is named, and how many values that layer has."""

    name: str
    constructor: str
    input_size: int
    preprocessing: Preprocessing
    layer: str
    values: int


_BGR, _CAFFE, _TF, _TORCH = Preprocessing.BGR, Preprocessing.CAFFE, Preprocessing.TF, Preprocessing.TORCH
_POOLED = "global_average_pooling2d"

NETS: Mapping[str, NetEntry] = {
    entry.name: entry
    for entry in (
        NetEntry("vgg16", "VGG16", 224, _BGR, "fc2", 4096),
        NetEntry("vgg19", "VGG19", 224, _BGR, "fc2", 4096),
        NetEntry("resnet50", "ResNet50", 224, _CAFFE, "avg_pool", 2048),
        NetEntry("xception", "Xception", 299, _TF, "avg_pool", 2048),
        NetEntry("inception_v3", "InceptionV3", 299, _TF, "avg_pool", 2048),
        NetEntry("densenet121", "DenseNet121", 224, _TORCH, "avg_pool", 1024),
        NetEntry("densenet169", "DenseNet169", 224, _TORCH, "avg_pool", 1664),
        NetEntry("densenet201", "DenseNet201", 224, _TORCH, "avg_pool", 1920),
        NetEntry("mobilenet", "MobileNet", 224, _TF, _POOLED, 1024),
        NetEntry("mobilenet_v2", "MobileNetV2", 224, _TF, _POOLED, 1280),
        NetEntry("nasnet_large", "NASNetLarge", 331, _TF, _POOLED, 4032),
        NetEntry("nasnet_mobile", "NASNetMobile", 224, _TF, _POOLED, 1056),
        NetEntry("inception_resnet_v2", "InceptionResNetV2", 299, _TF, "avg_pool", 1536),
        NetEntry("squeezenet", "", 227, _CAFFE, "avg_pool", 512),
    )
}


def net_entry(name: str) -> NetEntry:
    """The net of that name, or DataError(bad_input) with the names that are near."""
    if name not in NETS:
        raise unknown(f"image net {name!r} is not known", name, NETS)
    return NETS[name]


def unknown(message: str, name: str, known: Iterable[str]) -> DataError:
    """The refusal of a name that is not there, with those it may have been meant for."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=5, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {_some(names)}"
    return DataError(FailureKind.BAD_INPUT, Stage.BUNDLE, f"{message}; {hint}")


def _some(names: list[str]) -> str:
    most = 20
    return ", ".join(names) if len(names) <= most else ", ".join([*names[:5], "...", *names[-10:]])


def build_graph(entry: NetEntry) -> keras.Model:
    """The whole net with its classifier (the squeezenet ends in its pooling), as Keras builds it."""
    import keras

    if entry.constructor:
        model: keras.Model = getattr(keras.applications, entry.constructor)(weights=None)
        return model
    from models.image_nets.squeezenet import build_squeezenet

    return build_squeezenet(entry.input_size)
