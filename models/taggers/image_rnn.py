"""Image RNN tagger: a small convolutional net on spectrogram images of short windows, then an RNN.

The shape of Deep Spectrum + RNN of Amiriparian et al. (2019), with 1 s windows; the net on the images
is our own and compact, in the place of VGG16, whose weights are not ours to ship.

    [windows, 128, 62] bytes -> colours -> conv x4, stride 2 -> [windows, features] -> 2 x RNN -> dense
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.checks.sizes import Sizes
from models.taggers.head_sizes import add_recurrent_head
from models.views import ChunkView

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class ImageRnnSettings:
    """Sizes of the net; `channels` are of its convolutions, each of stride 2."""

    cell: str = "gru"
    bands: int = 128
    frames: int = 62
    colours: str = "viridis"
    channels: tuple[int, ...] = (16, 32, 64, 96)
    units: int = 64
    dense: int = 128
    dropout: float = 0.4
    tags: int = 56


def view(_: ImageRnnSettings) -> ChunkView:
    """The images of 20 s."""
    return ChunkView(rows=20)


def sizes(settings: ImageRnnSettings) -> Sizes:
    """Of what `build` makes."""
    net, values = Sizes(), 3
    rows, bands, frames = view(settings).rows, settings.bands, settings.frames
    net.fill(rows * bands * frames * values)
    for index, channels in enumerate(settings.channels):
        bands, frames = -(-bands // 2), -(-frames // 2)
        places = rows * bands * frames
        values = net.convolution(f"conv{index}", (3, 3), (values, channels), places=places, bias=False)
        net.normalisation(f"conv{index}_norm", values)
    return add_recurrent_head(net, values, settings, rows=rows)


def build(settings: ImageRnnSettings) -> keras.Model:
    """Model of inputs `values` [batch, windows, bands, frames] uint8 and `valid` [batch] int32 windows ->
    scores [batch, tags] in (0, 1). Windows from `valid` on change nothing."""
    import keras

    from models.recurrence import ValidSteps
    from models.taggers.head import recurrent_head

    layers = keras.layers
    values = keras.Input((None, settings.bands, settings.frames), dtype="uint8", name="values")
    valid = keras.Input((), dtype="int32", name="valid")
    features = layers.TimeDistributed(_image_net(settings), name="images")(values)
    steps = ValidSteps(name="steps")(features, valid)
    scores = recurrent_head(features, steps, settings)
    return keras.Model([values, valid], scores, name=f"image_rnn_{settings.cell}")


def _image_net(settings: ImageRnnSettings) -> keras.Model:
    """[images, bands, frames] uint8 -> features [images, channels of the last convolution]."""
    import keras

    from models.colour_map import ColourMap

    layers = keras.layers
    image = keras.Input((settings.bands, settings.frames), dtype="uint8", name="image")
    x = ColourMap(settings.colours, name="colours")(image)
    for index, channels in enumerate(settings.channels):
        x = layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False, name=f"conv{index}")(x)
        x = layers.BatchNormalization(name=f"conv{index}_norm")(x)
        x = layers.ReLU(name=f"conv{index}_relu")(x)
    return keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(x), name="image_net")
