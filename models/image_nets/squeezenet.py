"""SqueezeNet 1.1 without its classifier, by the layer names of the keras-squeezenet weights.

Keras no longer takes "/" in a layer's name, so fire2/squeeze1x1 is fire2_squeeze1x1 here.

Iandola et al. (2016), "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters"; version 1.1 of its
authors (3 x 3 first layer, pooling after layers 1, 3 and 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

# Fire module -> channels of its squeeze, channels of each of its two expansions.
_FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128)} | {
    6: (48, 192),
    7: (48, 192),
    8: (64, 256),
    9: (64, 256),
}
_POOLED_AFTER = (3, 5)


def build_squeezenet(input_size: int) -> keras.Model:
    """Images [n, side, side, 3] -> 512 values, the mean of the last fire module over the image."""
    import keras
    from keras import layers

    images = keras.Input((input_size, input_size, 3), name="input_1")
    x = layers.Conv2D(64, 3, strides=2, name="conv1")(images)
    x = layers.Activation("relu", name="relu_conv1")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    for number, (squeeze, expand) in _FIRES.items():
        x = _fire(x, f"fire{number}", squeeze=squeeze, expand=expand)
        if number in _POOLED_AFTER:
            x = layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
    x = layers.Dropout(0.5, name="drop9")(x)
    return keras.Model(images, layers.GlobalAveragePooling2D(name="avg_pool")(x), name="squeezenet")


def _fire(x: Any, name: str, *, squeeze: int, expand: int) -> Any:
    from keras import layers

    x = _convolution(x, name, "squeeze1x1", channels=squeeze)
    both = [_convolution(x, name, f"expand{size}x{size}", channels=expand) for size in (1, 3)]
    return layers.Concatenate(name=f"{name}_concat")(both)


def _convolution(x: Any, fire: str, part: str, *, channels: int) -> Any:
    from keras import layers

    size = int(part[-1])
    x = layers.Conv2D(channels, size, padding="same", name=f"{fire}_{part}")(x)
    return layers.Activation("relu", name=f"{fire}_relu_{part}")(x)
