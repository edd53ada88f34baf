"""Affect head: an encoder's rows to valence and arousal of each, by how near they sound to known music.

    rows within +- context -> mean -> logarithm -> how near to each centre -> weighted sums

A network of radial basis functions (Broomhead and Lowe, 1988), once for each context; what is said is the
mean over these. Several voices share the centres, each with weights of its own: their spread says how sure
they are. Means are of rows inside the track alone. An encoder's rows are what a ReLU leaves, many small and
few large: their logarithm is nearer to even.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.checks.sizes import Sizes
from models.views import StepView
from schemas.errors import bad_bundle

if TYPE_CHECKING:
    import keras

CORE_STEPS = 240
OFFSET = 0.01


@dataclass(frozen=True, slots=True)
class AffectHeadSettings:
    """Sizes of the net; `contexts` are rows to either side."""

    inputs: int = 1024
    contexts: tuple[int, ...] = (30, 10)
    centres: int = 640
    voices: int = 5


def view(settings: AffectHeadSettings) -> StepView:
    """Stretches of two minutes with the context of their values to either side."""
    context = max(settings.contexts)
    return StepView(rows=CORE_STEPS + 2 * context, hop=CORE_STEPS, lead=context, first_step=context)


def sizes(settings: AffectHeadSettings) -> Sizes:
    """Of what `build` makes; DataError(bad_bundle) for no contexts, or one twice: each has a layer of its
    own name."""
    if not settings.contexts or len(set(settings.contexts)) != len(settings.contexts):
        raise bad_bundle(f"contexts are {settings.contexts}; one at least, and each once")
    net, rows = Sizes(), view(settings).rows
    net.fill(rows * rows)
    net.shapes["near/scale"] = (settings.inputs,)
    net.shapes["near/centres"] = (settings.inputs, settings.centres)
    net.fill(rows * max(settings.inputs, settings.centres))
    net.dense("curve", settings.centres, 2 * settings.voices, places=rows)
    return net


def build(settings: AffectHeadSettings) -> keras.Model:
    """Model of inputs `values` [batch, rows, inputs] float32 and `inside` [batch, rows] bool -> valence and
    arousal of every voice in turn [batch, rows, 2 * voices], in [-1, 1]. Rows not inside the track change
    nothing."""
    import keras

    from models.regressors.nearness import MeanAround, Nearness

    layers, ops = keras.layers, keras.ops
    values = keras.Input((None, settings.inputs), name="values")
    inside = keras.Input((None,), dtype="bool", name="inside")
    nearness = Nearness(settings.centres, name="near")
    curve = layers.Dense(2 * settings.voices, name="curve")
    said: list[Any] = []
    for context in settings.contexts:
        mean = MeanAround(context, name=f"mean{context}")(values, inside)
        said.append(curve(nearness(ops.log(ops.relu(mean) + OFFSET))))
    mean_said = sum(said[1:], said[0]) / len(said)
    return keras.Model([values, inside], ops.clip(mean_said, -1.0, 1.0), name="affect_head")
