"""GRU regressor: the last three seconds of short-term features to valence and arousal of a half second.

Havránek (2021), section on the model: a net for arousal and one for valence, each a GRU of 30 units over 60
windows of 50 ms, of which the last state alone goes on, dropout .25, three dense layers with ReLU, tanh. The
nets lie side by side in one model ("parallel"); in the paper's ablation one GRU has two heads ("forked").
The widths of the dense layers are not published: 30, 20 and 10 are our choice, and we read "three dense
layers with ReLU" as hidden ones, with an output of one value and tanh after them. Features are standardised
on the training fold. The published ensemble is five members of this model and the mean of their outputs.

    rows 10 k - 50 .. 10 k + 9, [60, 68] -> GRU 30 -> dropout -> 30 -> 20 -> 10 -> tanh     step k
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.checks.sizes import Sizes
from models.regressors.targets import target_names
from models.views import StepView
from schemas.errors import bad_bundle

if TYPE_CHECKING:
    import keras

FORMS = ("parallel", "forked")
# Windows of 50 ms in a step of the 2 Hz clock.
ROWS_PER_STEP = 10


@dataclass(frozen=True, slots=True)
class GruSettings:
    """Sizes of the net; `form` is parallel (a GRU for each target) or forked (one GRU for all)."""

    inputs: int = 68
    rows: int = 60
    units: int = 30
    dense: tuple[int, ...] = (30, 20, 10)
    dropout: float = 0.25
    form: str = "parallel"
    target: str = "both"


PRESETS: Mapping[str, GruSettings] = {
    "published": GruSettings(),
    "published-forked": GruSettings(form="forked"),
    "compact": GruSettings(units=12, dense=(12, 8)),
}


def view(settings: GruSettings) -> StepView:
    """A step's own ten rows and those of the two and a half seconds before them."""
    lead = settings.rows - ROWS_PER_STEP
    return StepView(rows=settings.rows, hop=ROWS_PER_STEP, lead=lead, steps=1)


def sizes(settings: GruSettings) -> Sizes:
    """Of what `build` makes; DataError(bad_bundle) as there."""
    _check(settings)
    net, names = Sizes(), target_names(settings.target)
    net.standardisation("standardise", settings.inputs)
    for layer in ("gru",) if settings.form == "forked" else [f"{name}_gru" for name in names]:
        net.recurrent(layer, "gru", (settings.inputs, settings.units), places=settings.rows)
    for name in names:
        values = settings.units
        for index, width in enumerate(settings.dense):
            values = net.dense(f"{name}_dense{index}", values, width)
        net.dense(f"{name}_curve", values, 1)
    return net


def build(settings: GruSettings) -> keras.Model:
    """Model of inputs `values` [batch, rows, inputs] float32 and `inside` [batch, rows] bool -> [batch, 1,
    targets] in (-1, 1). The GRUs pass over rows not inside, wherever they lie.

    DataError(bad_bundle) for a form or a target that is not known, or fewer rows than a step has.
    """
    import keras

    _check(settings)
    ops = keras.ops
    values = keras.Input((settings.rows, settings.inputs), name="values")
    inside = keras.Input((settings.rows,), dtype="bool", name="inside")
    x = keras.layers.Normalization(name="standardise")(values)
    x = ops.where(ops.expand_dims(inside, -1), x, 0.0)
    names = target_names(settings.target)
    if settings.form == "forked":
        state = _gru(settings, name="gru")(x, mask=inside)
        outputs = [_head(state, settings, name=name) for name in names]
    else:
        outputs = [
            _head(_gru(settings, name=f"{name}_gru")(x, mask=inside), settings, name=name) for name in names
        ]
    curve = ops.expand_dims(ops.concatenate(outputs, axis=-1), 1)
    return keras.Model([values, inside], curve, name=f"gru_{settings.form}")


def _check(settings: GruSettings) -> None:
    if settings.form not in FORMS:
        raise bad_bundle(f"form {settings.form!r} is not known; there are {', '.join(FORMS)}")
    if settings.rows < ROWS_PER_STEP:
        raise bad_bundle(f"rows is {settings.rows}; a step has {ROWS_PER_STEP}")


def _gru(settings: GruSettings, *, name: str) -> Any:
    import keras

    # cuDNN's takes masks at the end of a sequence only; ours is at the start of a track.
    return keras.layers.GRU(settings.units, use_cudnn=False, name=name)


def _head(state: Any, settings: GruSettings, *, name: str) -> Any:
    import keras

    x = keras.layers.Dropout(settings.dropout, name=f"{name}_dropout")(state)
    for index, width in enumerate(settings.dense):
        x = keras.layers.Dense(width, activation="relu", name=f"{name}_dense{index}")(x)
    return keras.layers.Dense(1, activation="tanh", name=f"{name}_curve")(x)
