"""Tag head: the mean of an encoder's rows over a track to one score for each tag, by one hidden layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.checks.sizes import Sizes
from models.views import SummaryView

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class TagHeadSettings:
    """Sizes of the net; with `deviation` it is given the standard deviation beside the mean."""

    inputs: int = 1024
    hidden: int = 384
    dropout: float = 0.5
    tags: int = 56
    deviation: bool = False


def view(_: TagHeadSettings) -> SummaryView:
    """The whole track, or the chunk in its middle, in one prediction."""
    return SummaryView()


def sizes(settings: TagHeadSettings) -> Sizes:
    """Of what `build` makes."""
    net = Sizes()
    net.dense("hidden", settings.inputs * (2 if settings.deviation else 1), settings.hidden)
    net.dense("scores", settings.hidden, settings.tags)
    return net


def build(settings: TagHeadSettings) -> keras.Model:
    """Model of inputs `values` [batch, 2, inputs] float32, mean and standard deviation, and `valid` [batch]
    int32, which changes nothing -> scores [batch, tags] in (0, 1)."""
    import keras

    layers = keras.layers
    values = keras.Input((2, settings.inputs), name="values")
    valid = keras.Input((), dtype="int32", name="valid")
    x = layers.Flatten(name="summary")(values) if settings.deviation else values[:, 0]
    x = layers.Dense(settings.hidden, activation="relu", name="hidden")(x)
    x = layers.Dropout(settings.dropout, name="dropout")(x)
    scores = layers.Dense(settings.tags, activation="sigmoid", name="scores")(x)
    return keras.Model([values, valid], scores, name="tag_head")
