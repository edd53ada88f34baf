"""What is done to the pixels before each net, as the DeepSpectrum toolkit and Keras do it.

vgg16 and vgg19: RGB to BGR and nothing else. Keras would also subtract ImageNet's mean, the toolkit does not,
and its published features are without. The other nets: Keras's own `preprocess_input`, which the toolkit uses
too (for inception_v3 it names the module instead of the function; Keras's function is what was meant).
squeezenet: the Caffe way, BGR less the mean, as its weights were trained.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

BGR_MEAN = (103.939, 116.779, 123.68)
_RGB_MEAN, _RGB_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Preprocessing(StrEnum):
    """How pixels from 0 to 255 in the order RGB become a net's input."""

    BGR = "bgr"  # order only
    CAFFE = "caffe"  # BGR less ImageNet's mean
    TF = "tf"  # -1 to 1
    TORCH = "torch"  # 0 to 1, less ImageNet's mean, over its deviation


def preprocessed(pixels: Any, way: Preprocessing) -> Any:
    """Tensor [n, h, w, 3] float32 of RGB pixels from 0 to 255 -> the net's input of the same shape."""
    if way is Preprocessing.TF:
        return pixels / 127.5 - 1.0
    if way is Preprocessing.TORCH:
        return (pixels / 255.0 - _RGB_MEAN) / _RGB_DEVIATION
    reversed_channels = pixels[..., ::-1]
    return reversed_channels if way is Preprocessing.BGR else reversed_channels - BGR_MEAN
