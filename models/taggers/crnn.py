"""CRNN tagger: VGGish convolutions, two recurrent layers, one score for each tag.

Amiriparian et al., "Emotion and Themes Recognition in Music Utilising Convolutional and Recurrent
Neural Networks", MediaEval 2019, section on CRNNs; convolutions after Hershey et al. (2017).
The defaults are the published sizes.

    [1250, 64] -> conv, pool x4 -> [79, 4, 512] -> mean over frequency -> [79, 512] -> 2 x RNN -> dense
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.checks.sizes import Sizes
from models.taggers.head_sizes import add_recurrent_head
from models.views import ChunkView

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class CrnnSettings:
    """Sizes of the net; `channels` are of the six convolutions 1, 2, 3a, 3b, 4a, 4b."""

    cell: str = "lstm"
    bands: int = 64
    channels: tuple[int, ...] = (64, 128, 256, 256, 512, 512)
    units: int = 256
    dense: int = 1024
    dropout: float = 0.3
    noise: float = 0.2
    tags: int = 56


_COMPACT = CrnnSettings(
    "gru", channels=(16, 16, 32, 32, 64, 64), units=64, dense=128, dropout=0.15, noise=0.1
)

# The paper's noise has a deviation of .2, its published code's of .1; "compact" is what we ship.
PRESETS: Mapping[str, CrnnSettings] = {
    **{f"published-{cell}": CrnnSettings(cell) for cell in ("lstm", "gru", "bilstm")},
    **{f"published-code-{cell}": CrnnSettings(cell, noise=0.1) for cell in ("lstm", "gru", "bilstm")},
    "compact": _COMPACT,
}

# A pool after each: convolutions 1, 2, 3b and 4b.
_POOL_AFTER = (0, 1, 3, 5)


def view(_: CrnnSettings) -> ChunkView:
    """The log-mel of 20 s: 1,250 frames of 256 samples at 16 kHz."""
    return ChunkView(rows=1250, length_s=20.0)


def sizes(settings: CrnnSettings) -> Sizes:
    """Of what `build` makes."""
    net, values = Sizes(), 1
    rows, bands = view(settings).rows, settings.bands
    net.fill(rows * bands)
    for index, channels in enumerate(settings.channels):
        values = net.convolution(f"conv{index}", (3, 3), (values, channels), places=rows * bands)
        if index in _POOL_AFTER:
            rows, bands = -(-rows // 2), -(-bands // 2)
    return add_recurrent_head(net, values, settings, rows=rows)


def build(settings: CrnnSettings) -> keras.Model:
    """Model of inputs `values` [batch, frames, bands] float32 and `valid` [batch] int32 frames -> scores
    [batch, tags] in (0, 1). Frames from `valid` on change nothing."""
    import keras

    from models.recurrence import ValidSteps, ZeroPadding
    from models.taggers.head import recurrent_head

    layers = keras.layers
    values = keras.Input((None, settings.bands), name="values")
    valid = keras.Input((), dtype="int32", name="valid")
    x = layers.GaussianNoise(settings.noise, name="noise")(values)
    x = layers.Reshape((-1, settings.bands, 1), name="picture")(x)
    left = valid
    for index, channels in enumerate(settings.channels):
        x = ZeroPadding(name=f"mask{index}")(x, left)
        x = layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"conv{index}")(x)
        if index in _POOL_AFTER:
            x = ZeroPadding(name=f"mask{index}_pool")(x, left)
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{index}")(x)
            left = (left + 1) // 2
    x = keras.ops.mean(x, axis=2)
    steps = ValidSteps(name="steps")(x, left)
    scores = recurrent_head(x, steps, settings)
    return keras.Model([values, valid], scores, name=f"crnn_{settings.cell}")


def convolution_layers(model: keras.Model) -> list[str]:
    """Names of the convolutions of a built CRNN, in order: the layers that the published schedule freezes at
    first and that `models.taggers.vggish_weights` fills."""
    import keras

    return [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
