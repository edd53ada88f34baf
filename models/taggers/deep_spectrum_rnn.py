"""Deep Spectrum RNN tagger: an image net's view of spectrogram pictures, two recurrent layers, tag scores.

Amiriparian et al., "Emotion and Themes Recognition in Music Utilising Convolutional and Recurrent Neural
Networks", MediaEval 2019, section on Deep Spectrum. The image net (fc2 of VGG16) is part of the front end
`deep-spectrum`; its values are taken as they are, without standardisation. The defaults are the published
sizes. Keras drops the same part of the state at every step.

    30 s: [30 rows of 1 s or 6 of 5 s, 4096] -> 2 x RNN -> dense -> tags
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.checks.sizes import Sizes
from models.taggers.head_sizes import add_recurrent_head
from models.views import ChunkView
from schemas.clock import MINIMUM_S
from schemas.errors import bad_bundle

if TYPE_CHECKING:
    import keras

_SEEN_S = 30


@dataclass(frozen=True, slots=True)
class DeepSpectrumRnnSettings:
    """Sizes of the net; a row has `inputs` values and describes `window_s` whole seconds."""

    cell: str = "lstm"
    window_s: int = 1
    inputs: int = 4096
    units: int = 1024
    dense: int = 1024
    dropout: float = 0.4
    recurrent_dropout: float = 0.4
    tags: int = 56


# The six published models, and a small one.
PRESETS: Mapping[str, DeepSpectrumRnnSettings] = {
    **{
        f"published-{window_s}s-{cell}": DeepSpectrumRnnSettings(cell, window_s)
        for window_s in (1, 5)
        for cell in ("lstm", "gru", "bilstm")
    },
    "compact": DeepSpectrumRnnSettings("gru", units=64, dense=128),
}


def view(settings: DeepSpectrumRnnSettings) -> ChunkView:
    """Chunks of 30 s, of which a row describes `window_s`: 30 rows of 1 s, 6 of 5 s.

    A track needs one whole row at least. DataError(bad_bundle) for windows that do not divide 30 s.
    """
    if not 0 < settings.window_s <= _SEEN_S or _SEEN_S % settings.window_s:
        raise bad_bundle(f"window_s is {settings.window_s}; {_SEEN_S} s must be a whole number of windows")
    minimum_s = max(MINIMUM_S, float(settings.window_s))
    return ChunkView(rows=_SEEN_S // settings.window_s, length_s=float(_SEEN_S), minimum_s=minimum_s)


def sizes(settings: DeepSpectrumRnnSettings) -> Sizes:
    """Of what `build` makes."""
    return add_recurrent_head(Sizes(), settings.inputs, settings, rows=view(settings).rows)


def build(settings: DeepSpectrumRnnSettings) -> keras.Model:
    """Model of inputs `values` [batch, rows, inputs] float32 and `valid` [batch] int32 rows -> scores
    [batch, tags] in (0, 1). Rows from `valid` on change nothing."""
    import keras

    from models.recurrence import ValidSteps
    from models.taggers.head import recurrent_head

    values = keras.Input((None, settings.inputs), name="values")
    valid = keras.Input((), dtype="int32", name="valid")
    steps = ValidSteps(name="steps")(values, valid)
    scores = recurrent_head(values, steps, settings, recurrent_dropout=settings.recurrent_dropout)
    return keras.Model([values, valid], scores, name=f"deep_spectrum_rnn_{settings.cell}")
